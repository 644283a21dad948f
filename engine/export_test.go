package engine

// CoreInstances is how many core instances an instance of the component has.
func (c *Component) CoreInstances() int { return len(c.plan.cores) }

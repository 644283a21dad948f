package wit

// dependencyOrder sorts the nodes 0…n-1 so that each comes after its deps, and
// otherwise as numbered. When that cannot be, cycle has the nodes of a cycle,
// each depending on the next and the last on the first. It does not recurse:
// the chains of hostile texts are long.
func dependencyOrder(n int, deps func(int) []int) (order, cycle []int) {
	const (
		unseen = iota
		open
		done
	)
	state := make([]uint8, n)
	type frame struct{ node, next int }
	var stack []frame
	for root := range n {
		if state[root] != unseen {
			continue
		}
		state[root] = open
		stack = append(stack[:0], frame{node: root})
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			ds := deps(top.node)
			if top.next == len(ds) {
				state[top.node] = done
				order = append(order, top.node)
				stack = stack[:len(stack)-1]
				continue
			}
			d := ds[top.next]
			top.next++
			switch state[d] {
			case unseen:
				state[d] = open
				stack = append(stack, frame{node: d})
			case open:
				for i := len(stack) - 1; ; i-- {
					if stack[i].node == d {
						for _, f := range stack[i:] {
							cycle = append(cycle, f.node)
						}
						return nil, cycle
					}
				}
			}
		}
	}
	return order, nil
}

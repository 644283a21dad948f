package engine

import (
	"reflect"
	"testing"

	"github.com/godwit-runtime/godwit/engine/core"
)

// CoreInstances is how many core instances an instance of the component has.
func (c *Component) CoreInstances() int { return len(c.plan.cores) }

// A kind of slot that is not among them would keep the ordinals that core
// instances had before some were removed.
func TestSlotsOfAPlanAreAll(t *testing.T) {
	kinds := 0
	for _, f := range reflect.VisibleFields(reflect.TypeFor[plan]()) {
		if f.Type == reflect.TypeFor[[]core.Ref]() {
			kinds++
		}
	}
	if n := len((&plan{}).slots()); n != kinds {
		t.Errorf("slots returns %d lists, a plan has %d", n, kinds)
	}
}

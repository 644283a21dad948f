// Package canon is the canonical ABI on state (CanonicalABI.md, "Runtime State"
// and "Canonical Definitions"): component instances, their handle tables,
// resources, tasks and threads, subtasks, and the built-ins that act on them.
//
// Vocabulary:
//
//	Store     the component instances that were made together and trap together
//	Instance  one component instance: a handle table and the flags may_enter, may_leave
//	Task      one call into an instance (canon lift); owns the borrows it was lent
//	Thread    what runs core code for a task; the context.Context of every core call
//	Subtask   one call out of an instance (canon lower); holds what it borrowed
//
// A synchronous call runs on the goroutine of its caller: a Task, its Thread and
// a Subtask are then plain records on a free list, and nothing is handed over.
// Every other thread has a goroutine of its own (thread.go); one of a Store runs
// at a time, and who resumes it waits until it blocks or ends. What that takes, a
// Store has only when its component has something asynchronous.
//
// Read task.go and subtask.go for synchronous calls; then thread.go,
// task_async.go, subtask_async.go, waitable.go and stream.go.
//
// A violated rule panics with *abi.Trap; package engine recovers it where the
// host entered the guest. After a trap the Store is poisoned: no call enters it.
//
// It may import engine/types and engine/abi and nothing else of this module.
package canon

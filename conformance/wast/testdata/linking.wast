;; What instances share and what each has for itself.

;; a core module passed from one component to another is one definition and
;; two instances
(component
  (component $Counter
    (import "m" (core module $M (export "next" (func (result i32)))))
    (core instance $m (instantiate $M))
    (func (export "next") (result u32) (canon lift (core func $m "next"))))
  (core module $M
    (global $n (mut i32) (i32.const 0))
    (func (export "next") (result i32)
      (global.set $n (i32.add (global.get $n) (i32.const 1)))
      (global.get $n)))
  (instance $a (instantiate $Counter (with "m" (core module $M))))
  (instance $b (instantiate $Counter (with "m" (core module $M))))
  (export "a" (func $a "next"))
  (export "b" (func $b "next")))
(assert_return (invoke "a") (u32.const 1))
(assert_return (invoke "a") (u32.const 2))
(assert_return (invoke "b") (u32.const 1))

;; memory, table, global and tag of one core instance are seen by another
(component
  (core module $Owner
    (memory (export "mem") 1)
    (table (export "tab") 2 funcref)
    (global (export "glob") (mut i32) (i32.const 5))
    (tag (export "tag") (param i32))
    (elem (i32.const 0) $seven)
    (func $seven (result i32) (i32.const 7)))
  (core instance $owner (instantiate $Owner))
  (core module $User
    (import "o" "mem" (memory 1))
    (import "o" "tab" (table 2 funcref))
    (import "o" "glob" (global $g (mut i32)))
    (import "o" "tag" (tag $t (param i32)))
    (type $f (func (result i32)))
    (func (export "set") (i32.store (i32.const 0) (i32.const 100)) (global.set $g (i32.const 20)))
    (func (export "get") (result i32)
      (i32.add (i32.add (i32.load (i32.const 0)) (global.get $g)) (call_indirect (type $f) (i32.const 0))))
    (func (export "catch") (result i32)
      (block $caught (result i32) (try_table (catch $t $caught) (throw $t (i32.const 33))) (i32.const 0))))
  (core instance $a (instantiate $User (with "o" (instance $owner))))
  (core instance $b (instantiate $User (with "o" (instance $owner))))
  (func (export "set") (canon lift (core func $a "set")))
  (func (export "get") (result u32) (canon lift (core func $b "get")))
  (func (export "catch") (result u32) (canon lift (core func $b "catch"))))
(invoke "set")
(assert_return (invoke "get") (u32.const 127))
(assert_return (invoke "catch") (u32.const 33))

;; a component between others can change what they see (virtualization)
(component
  (component $Base
    (core module $M (func (export "get") (result i32) (i32.const 1)))
    (core instance $m (instantiate $M))
    (func (export "get") (result u32) (canon lift (core func $m "get"))))
  (component $Plus
    (import "get" (func $get (result u32)))
    (core func $get (canon lower (func $get)))
    (core module $M (import "" "get" (func $get (result i32)))
      (func (export "get") (result i32) (i32.add (call $get) (i32.const 10))))
    (core instance $m (instantiate $M (with "" (instance (export "get" (func $get))))))
    (func (export "get") (result u32) (canon lift (core func $m "get"))))
  (instance $base (instantiate $Base))
  (instance $plus (instantiate $Plus (with "get" (func $base "get"))))
  (instance $twice (instantiate $Plus (with "get" (func $plus "get"))))
  (export "get" (func $twice "get"))
  (export "base" (func $base "get")))
(assert_return (invoke "get") (u32.const 21))
(assert_return (invoke "base") (u32.const 1))

;; nested components reach definitions of the components around them
(component
  (core module $M (func (export "f") (result i32) (i32.const 9)))
  (component $Leaf
    (core instance $m (instantiate $M))
    (func (export "f") (result u32) (canon lift (core func $m "f"))))
  (component $Middle
    (component $Inner (instance $leaf (instantiate $Leaf)) (export "f" (func $leaf "f")))
    (instance $inner (instantiate $Inner))
    (export "f" (func $inner "f")))
  (instance $middle (instantiate $Middle))
  (export "f" (func $middle "f")))
(assert_return (invoke "f") (u32.const 9))

;; start functions run in the order of instantiation, and a trap in one is a
;; trap of it all
(component
  (core module $Cell (global (export "n") (mut i32) (i32.const 1)))
  (core instance $cell (instantiate $Cell))
  (core module $Double (import "" "n" (global $n (mut i32)))
    (func $f (global.set $n (i32.mul (global.get $n) (i32.const 2)))) (start $f))
  (core module $Inc (import "" "n" (global $n (mut i32)))
    (func $f (global.set $n (i32.add (global.get $n) (i32.const 1)))) (start $f)
    (func (export "get") (result i32) (global.get $n)))
  (core instance (instantiate $Double (with "" (instance $cell))))
  (core instance $i (instantiate $Inc (with "" (instance $cell))))
  (core instance (instantiate $Double (with "" (instance $cell))))
  (func (export "get") (result u32) (canon lift (core func $i "get"))))
(assert_return (invoke "get") (u32.const 6))
(assert_trap
  (component
    (core module $M (memory 1) (data (i32.const 65536) "x"))
    (core instance (instantiate $M)))
  "out of bounds")
(assert_trap
  (component
    (core module $M (func $f unreachable) (start $f))
    (core instance (instantiate $M)))
  "wasm `unreachable` instruction executed")

;; The course of a call between components: realloc, post-return, what may be
;; called when, and what a trap leaves behind.

(component definition $Calls
  (component $Callee
    (core module $Libc
      (memory (export "mem") 1)
      (global $next (mut i32) (i32.const 256))
      (global $calls (mut i32) (i32.const 0))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (local $p i32)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (local.set $p (global.get $next))
        (global.set $next (i32.and (i32.add (i32.add (global.get $next) (local.get 3)) (i32.const 7)) (i32.const -8)))
        (local.get $p))
      (func (export "calls") (result i32) (global.get $calls)))
    (core instance $libc (instantiate $Libc))
    (core module $M
      (import "libc" "mem" (memory 1))
      (global $posts (mut i32) (i32.const 0))
      (global $last (mut i32) (i32.const 0))
      ;; the bytes of a string, added up
      (func (export "sum") (param $p i32) (param $n i32) (result i32)
        (local $s i32)
        (block $done
          (loop $next
            (br_if $done (i32.eqz (local.get $n)))
            (local.set $s (i32.add (local.get $s) (i32.load8_u (local.get $p))))
            (local.set $p (i32.add (local.get $p) (i32.const 1)))
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br $next)))
        (local.get $s))
      (func (export "sum-post") (param i32)
        (global.set $posts (i32.add (global.get $posts) (i32.const 1)))
        (global.set $last (local.get 0)))
      (func (export "posts") (result i32)
        (i32.add (i32.mul (global.get $posts) (i32.const 10000)) (global.get $last)))
      (func (export "fail") unreachable))
    (core instance $m (instantiate $M (with "libc" (instance $libc))))
    (func (export "sum") (param "s" string) (result u32) (canon lift (core func $m "sum")
      (memory (core memory $libc "mem")) (realloc (core func $libc "realloc")) (post-return (core func $m "sum-post"))))
    (func (export "posts") (result u32) (canon lift (core func $m "posts")))
    (func (export "calls") (result u32) (canon lift (core func $libc "calls")))
    (func (export "fail") (canon lift (core func $m "fail"))))

  (component $Caller
    (import "sum" (func $sum (param "s" string) (result u32)))
    (import "fail" (func $fail))
    (core module $Libc (memory (export "mem") 1) (data (i32.const 16) "abc"))
    (core instance $libc (instantiate $Libc))
    (core func $sum (canon lower (func $sum) (memory (core memory $libc "mem"))))
    (core func $fail (canon lower (func $fail)))
    (core module $M
      (import "" "sum" (func $sum (param i32 i32) (result i32)))
      (import "" "fail" (func $fail))
      (func (export "run") (result i32) (call $sum (i32.const 16) (i32.const 3)))
      (func (export "outside") (result i32) (call $sum (i32.const 65534) (i32.const 3)))
      (func (export "wraps") (result i32) (call $sum (i32.const 16) (i32.const -1)))
      (func (export "run-post") (param i32) (call $fail))
      (func (export "fail") (call $fail)))
    (core instance $m (instantiate $M (with "" (instance (export "sum" (func $sum)) (export "fail" (func $fail))))))
    (func (export "run") (result u32) (canon lift (core func $m "run")))
    (func (export "outside") (result u32) (canon lift (core func $m "outside")))
    (func (export "wraps") (result u32) (canon lift (core func $m "wraps")))
    (func (export "calls-in-post-return") (result u32) (canon lift (core func $m "run") (post-return (core func $m "run-post"))))
    (func (export "fail") (canon lift (core func $m "fail"))))

  (instance $callee (instantiate $Callee))
  (instance $caller (instantiate $Caller (with "sum" (func $callee "sum")) (with "fail" (func $callee "fail"))))
  (export "sum" (func $callee "sum"))
  (export "posts" (func $callee "posts"))
  (export "calls" (func $callee "calls"))
  (export "run" (func $caller "run"))
  (export "outside" (func $caller "outside"))
  (export "wraps" (func $caller "wraps"))
  (export "calls-in-post-return" (func $caller "calls-in-post-return"))
  (export "fail" (func $caller "fail")))

;; 0x61 + 0x62 + 0x63 = 294
(component instance $i $Calls)
(assert_return (invoke "run") (u32.const 294))
(assert_return (invoke "calls") (u32.const 1))
(assert_return (invoke "posts") (u32.const 10294))
;; the host's call takes the same way
(assert_return (invoke "sum" (str.const "\u{e9}")) (u32.const 364))
(assert_return (invoke "calls") (u32.const 2))
(assert_return (invoke "posts") (u32.const 20364))
(assert_trap (invoke "outside") "string content out-of-bounds")
(assert_trap (invoke "posts") "cannot enter component instance")

(component instance $i $Calls)
(assert_trap (invoke "wraps") "string content out-of-bounds")
(component instance $i $Calls)
(assert_trap (invoke "calls-in-post-return") "cannot leave component instance")

;; instances do not share their fate
(component instance $a $Calls)
(component instance $b $Calls)
(assert_trap (invoke $a "fail") "wasm `unreachable` instruction executed")
(assert_trap (invoke $a "run") "cannot enter component instance")
(assert_return (invoke $b "run") (u32.const 294))

;; realloc may not call out
(component
  (component $Other (core module $m (func (export "f"))) (core instance $i (instantiate $m))
    (func (export "f") (canon lift (core func $i "f"))))
  (component $C
    (import "f" (func $f))
    (core func $f (canon lower (func $f)))
    (core module $M
      (import "" "f" (func $f))
      (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (call $f) (i32.const 16))
      (func (export "g") (param i32 i32)))
    (core instance $m (instantiate $M (with "" (instance (export "f" (func $f))))))
    (func (export "g") (param "s" string) (canon lift (core func $m "g")
      (memory (core memory $m "mem")) (realloc (core func $m "realloc")))))
  (instance $o (instantiate $Other))
  (instance $c (instantiate $C (with "f" (func $o "f"))))
  (export "g" (func $c "g")))
(assert_trap (invoke "g" (str.const "x")) "cannot leave component instance")

;; an exception does not leave a component
(component
  (component $Throws
    (core module $M (tag $e) (func (export "f") (throw $e)))
    (core instance $m (instantiate $M))
    (func (export "f") (canon lift (core func $m "f"))))
  (component $Catches
    (import "f" (func $f))
    (core func $f (canon lower (func $f)))
    (core module $M (import "" "f" (func $f))
      (func (export "g") (block $caught (try_table (catch_all $caught) (call $f)))))
    (core instance $m (instantiate $M (with "" (instance (export "f" (func $f))))))
    (func (export "g") (canon lift (core func $m "g"))))
  (instance $t (instantiate $Throws))
  (instance $c (instantiate $Catches (with "f" (func $t "f"))))
  (export "g" (func $c "g")))
(assert_trap (invoke "g") "uncaught exception")

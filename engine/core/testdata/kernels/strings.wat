;; A short loop that is entered again and again: lengths and copies of short strings.
(module
  (memory 1)
  (data (i32.const 0) "the\00quick\00brown\00fox\00jumps\00over\00the\00lazy\00dog\00\00")
  (func $strlen (param $s i32) (result i32)
    (local $p i32)
    (local.set $p (local.get $s))
    (loop $next
      (if (i32.load8_u (local.get $p))
        (then (local.set $p (i32.add (local.get $p) (i32.const 1))) (br $next))))
    (i32.sub (local.get $p) (local.get $s)))
  (func (export "run") (param $rounds i32) (result i32)
    (local $s i32) (local $n i32) (local $sum i32) (local $to i32)
    (local.set $rounds (i32.mul (local.get $rounds) (i32.const 2000)))
    (loop $again
      (local.set $s (i32.const 0))
      (local.set $to (i32.const 1024))
      (block $done
        (loop $word
          (br_if $done (i32.eqz (local.tee $n (call $strlen (local.get $s)))))
          (memory.copy (local.get $to) (local.get $s) (local.get $n))
          (local.set $to (i32.add (local.get $to) (local.get $n)))
          (local.set $sum (i32.add (local.get $sum) (local.get $n)))
          (local.set $s (i32.add (i32.add (local.get $s) (local.get $n)) (i32.const 1)))
          (br $word)))
      (br_if $again (i32.gt_s (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1))) (i32.const 0))))
    (local.get $sum)))

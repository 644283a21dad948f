;; The longest Collatz sequence below 4000: 64-bit arithmetic and branches.
(module
  (func (export "run") (param $rounds i32) (result i32)
    (local $n i64) (local $start i64) (local $len i32) (local $best i32)
    (loop $again
      (local.set $start (i64.const 1))
      (loop $next
        (local.set $n (local.get $start))
        (local.set $len (i32.const 0))
        (block $done
          (loop $step
            (br_if $done (i64.eq (local.get $n) (i64.const 1)))
            (if (i64.eqz (i64.and (local.get $n) (i64.const 1)))
              (then (local.set $n (i64.shr_u (local.get $n) (i64.const 1))))
              (else (local.set $n (i64.add (i64.mul (local.get $n) (i64.const 3)) (i64.const 1)))))
            (local.set $len (i32.add (local.get $len) (i32.const 1)))
            (br $step)))
        (if (i32.gt_u (local.get $len) (local.get $best)) (then (local.set $best (local.get $len))))
        (br_if $next (i64.lt_u (local.tee $start (i64.add (local.get $start) (i64.const 1))) (i64.const 4000))))
      (br_if $again (i32.gt_s (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1))) (i32.const 0))))
    (local.get $best)))

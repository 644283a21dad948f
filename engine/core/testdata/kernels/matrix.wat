;; The product of two matrices of 48 x 48 doubles: nested loops, floating point.
(module
  (memory 2)
  (func (export "run") (param $rounds i32) (result i32)
    (local $i i32) (local $j i32) (local $k i32) (local $s f64)
    (local.set $i (i32.const 0))
    (loop $init
      (f64.store (i32.shl (local.get $i) (i32.const 3)) (f64.convert_i32_u (i32.and (i32.mul (local.get $i) (i32.const 7)) (i32.const 15))))
      (br_if $init (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4608))))
    (loop $again
      (local.set $i (i32.const 0))
      (loop $row
        (local.set $j (i32.const 0))
        (loop $column
          (local.set $k (i32.const 0))
          (local.set $s (f64.const 0))
          (loop $sum
            (local.set $s (f64.add (local.get $s) (f64.mul
              (f64.load (i32.shl (i32.add (i32.mul (local.get $i) (i32.const 48)) (local.get $k)) (i32.const 3)))
              (f64.load offset=18432 (i32.shl (i32.add (i32.mul (local.get $k) (i32.const 48)) (local.get $j)) (i32.const 3))))))
            (br_if $sum (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (i32.const 48))))
          (f64.store offset=36864 (i32.shl (i32.add (i32.mul (local.get $i) (i32.const 48)) (local.get $j)) (i32.const 3)) (local.get $s))
          (br_if $column (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.const 48))))
        (br_if $row (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 48))))
      (br_if $again (i32.gt_s (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1))) (i32.const 0))))
    (i32.trunc_f64_s (local.get $s))))

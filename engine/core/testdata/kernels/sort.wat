;; Quicksort of 4096 numbers: recursion, loops with branches, and small functions.
(module
  (memory 1)
  (func $at (param $i i32) (result i32) (i32.load (i32.shl (local.get $i) (i32.const 2))))
  (func $put (param $i i32) (param $v i32) (i32.store (i32.shl (local.get $i) (i32.const 2)) (local.get $v)))
  (func $sort (param $lo i32) (param $hi i32)
    (local $i i32) (local $j i32) (local $pivot i32) (local $t i32)
    (if (i32.ge_s (local.get $lo) (local.get $hi)) (then (return)))
    (local.set $pivot (call $at (i32.shr_u (i32.add (local.get $lo) (local.get $hi)) (i32.const 1))))
    (local.set $i (local.get $lo))
    (local.set $j (local.get $hi))
    (block $done
      (loop $next
        (block $stop (loop $up
          (br_if $stop (i32.ge_s (call $at (local.get $i)) (local.get $pivot)))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $up)))
        (block $stop (loop $down
          (br_if $stop (i32.le_s (call $at (local.get $j)) (local.get $pivot)))
          (local.set $j (i32.sub (local.get $j) (i32.const 1)))
          (br $down)))
        (br_if $done (i32.gt_s (local.get $i) (local.get $j)))
        (local.set $t (call $at (local.get $i)))
        (call $put (local.get $i) (call $at (local.get $j)))
        (call $put (local.get $j) (local.get $t))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (local.set $j (i32.sub (local.get $j) (i32.const 1)))
        (br_if $next (i32.le_s (local.get $i) (local.get $j)))))
    (call $sort (local.get $lo) (local.get $j))
    (call $sort (local.get $i) (local.get $hi)))
  (func (export "run") (param $rounds i32) (result i32)
    (local $i i32) (local $x i32)
    (loop $again
      (local.set $i (i32.const 0))
      (local.set $x (i32.const 12345))
      (loop $fill
        (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))
        (call $put (local.get $i) (local.get $x))
        (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4096))))
      (call $sort (i32.const 0) (i32.const 4095))
      (br_if $again (i32.gt_s (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1))) (i32.const 0))))
    (call $at (i32.const 2048))))

;; An interpreter's loop: indirect calls of small functions and a br_table.
(module
  (type $op (func (param i32 i32) (result i32)))
  (table 4 funcref)
  (elem (i32.const 0) $add $sub $xor $rot)
  (func $add (type $op) (i32.add (local.get 0) (local.get 1)))
  (func $sub (type $op) (i32.sub (local.get 0) (local.get 1)))
  (func $xor (type $op) (i32.xor (local.get 0) (local.get 1)))
  (func $rot (type $op) (i32.rotl (local.get 0) (local.get 1)))
  (func (export "run") (param $rounds i32) (result i32)
    (local $acc i32) (local $pc i32) (local $end i32)
    (local.set $end (i32.mul (local.get $rounds) (i32.const 65536)))
    (loop $next
      (local.set $acc (call_indirect (type $op) (local.get $acc) (local.get $pc) (i32.and (local.get $pc) (i32.const 3))))
      (block $c (block $b (block $a
        (br_table $a $b $c (i32.and (local.get $acc) (i32.const 3))))
        (local.set $acc (i32.add (local.get $acc) (i32.const 5))) (br $c))
        (local.set $acc (i32.xor (local.get $acc) (i32.const 0x5555))))
      (br_if $next (i32.lt_u (local.tee $pc (i32.add (local.get $pc) (i32.const 1))) (local.get $end))))
    (local.get $acc)))

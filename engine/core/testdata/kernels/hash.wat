;; FNV-1a over 64 KiB: one tight loop that depends on memory.
(module
  (memory 1)
  (func (export "run") (param $rounds i32) (result i32)
    (local $h i32) (local $p i32)
    (local.set $h (i32.const 0x811c9dc5))
    (loop $again
      (local.set $p (i32.const 0))
      (loop $next
        (local.set $h (i32.mul (i32.xor (local.get $h) (i32.load8_u (local.get $p))) (i32.const 0x01000193)))
        (br_if $next (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 1))) (i32.const 65536))))
      (i32.store (i32.and (local.get $h) (i32.const 0xfff8)) (local.get $h))
      (br_if $again (i32.gt_s (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1))) (i32.const 0))))
    (local.get $h)))

// What a collective does to numbers: dst[i] = dst[i] (op) src[i].

/** dst += src, `count` float32. The addresses are 4-aligned. */
export function addF32(dst: usize, src: usize, count: usize): void {
  const whole = count & ~15;
  let i: usize = 0;
  for (; i < whole; i += 16) {
    const o = i << 2;
    v128.store(dst + o, f32x4.add(v128.load(dst + o), v128.load(src + o)));
    v128.store(dst + o, f32x4.add(v128.load(dst + o, 16), v128.load(src + o, 16)), 16);
    v128.store(dst + o, f32x4.add(v128.load(dst + o, 32), v128.load(src + o, 32)), 32);
    v128.store(dst + o, f32x4.add(v128.load(dst + o, 48), v128.load(src + o, 48)), 48);
  }
  for (; i < count; i++) store<f32>(dst + (i << 2), load<f32>(dst + (i << 2)) + load<f32>(src + (i << 2)));
}

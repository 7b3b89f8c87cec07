/**
 * AES-GCM (NIST SP 800-38D) without AES: counter blocks, XOR, GHASH and tags over a keystream that node:crypto makes. AssemblyScript; `build.mjs`
 * compiles it to the bytes in `src/aes-gcm-module-node.ts`, and a test compares the two.
 *
 * Constant time by construction: no branch, no address and no memory access depends on key, keystream, plaintext or tag, only on lengths and on
 * the verdict. Multiplication looks nibbles up in tables held in registers (`i8x16.swizzle`: PSHUFB on x86, TBL on ARM), sixteen at a time,
 * without touching memory by a secret address.
 *
 * No AES, no key handling, no bounds checks: the caller (`src/gcm-engine-node.ts`) lays out the memory and wipes it. These
 * bytes of the memory belong to this module:
 *
 *   256   2048 bytes   tables of H^4, H^3, H^2, H: at 128 * j + 32 * power, byte j of the products with all high nibbles, then all low nibbles
 *   2304   128 bytes   scratch of `prepare`, zero afterwards
 *
 * In GHASH bit 0, the coefficient of x^0, is the most significant bit of byte 0 (SP 800-38D, section 6.3).
 */

const TABLES: usize = 256
const ROW: usize = 128
/** The tables are read from their end, two rows at a time. */
const LAST_PAIR: usize = TABLES + 14 * ROW
const BEFORE: usize = TABLES - 2 * ROW
const POWERS: usize = TABLES + 16 * ROW

/** x^128 = x^7 + x^2 + x + 1, as it falls into the most significant byte. */
const REDUCTION: u64 = 0xe100000000000000

/** Makes the tables of the hash key that stands at `at`. */
export function prepare(at: usize): void {
  const h = v128.load(at)
  writeTables(h, TABLES + 96)
  let power = multiply1(h)
  writeTables(power, TABLES + 64)
  power = multiply1(power)
  writeTables(power, TABLES + 32)
  power = multiply1(power)
  writeTables(power, TABLES)
  memory.fill(POWERS, 0, 128)
}

/** Writes `blocks` counter blocks of a 96-bit nonce, given as three words: J0, whose encryption masks the tag, and those of the text behind it. */
export function writeCounters(at: usize, blocks: u32, nonce0: u32, nonce1: u32, nonce2: u32): void {
  const start = (u64(bswap<u32>(nonce1)) << 32) | u64(bswap<u32>(nonce0))
  const middle = bswap<u32>(nonce2)
  for (let counter: u32 = 1; counter <= blocks; counter++) {
    store<u64>(at, start)
    store<u32>(at, middle, 8)
    store<u32>(at, bswap<u32>(counter), 12)
    at += 16
  }
}

/** Encrypts `length` bytes where they lie, and writes the tag behind them. */
export function seal(at: usize, length: u32, keystream: usize, aadAt: usize, aadLength: u32): void {
  let hash = absorb(aadAt, aadLength)
  let text = at
  let left = length
  let stream = keystream + 16
  for (; left >= 64; left -= 64) {
    const a = v128.xor(v128.load(text), v128.load(stream))
    const b = v128.xor(v128.load(text, 16), v128.load(stream, 16))
    const c = v128.xor(v128.load(text, 32), v128.load(stream, 32))
    const d = v128.xor(v128.load(text, 48), v128.load(stream, 48))
    v128.store(text, a)
    v128.store(text, b, 16)
    v128.store(text, c, 32)
    v128.store(text, d, 48)
    hash = multiply4(v128.xor(hash, a), b, c, d)
    text += 64
    stream += 64
  }
  xor(text, left, stream)
  hash = finish(hash, text, left, aadLength, length)
  v128.store(at + length, v128.xor(hash, v128.load(keystream)))
}

/** Opens `length` bytes of ciphertext, behind which stands the tag, where they lie. When the tag is wrong they become zero. */
export function open(at: usize, length: u32, keystream: usize, aadAt: usize, aadLength: u32): bool {
  let hash = absorb(aadAt, aadLength)
  let text = at
  let left = length
  for (; left >= 64; left -= 64) {
    hash = multiply4(v128.xor(hash, v128.load(text)), v128.load(text, 16), v128.load(text, 32), v128.load(text, 48))
    text += 64
  }
  hash = finish(hash, text, left, aadLength, length)
  const difference = v128.xor(v128.xor(hash, v128.load(keystream)), v128.load(at + length))
  if (v128.any_true(difference)) {
    memory.fill(at, 0, length)
    return false
  }
  xor(at, length, keystream + 16)
  return true
}

/** Leaves what stands behind `length` bytes as it is. */
function xor(at: usize, length: u32, stream: usize): void {
  for (; length >= 16; length -= 16) {
    v128.store(at, v128.xor(v128.load(at), v128.load(stream)))
    at += 16
    stream += 16
  }
  if (length > 0) v128.store(at, v128.xor(v128.load(at), beginning(stream, length)))
}

/** The hash of the additional data, padded with zeros to whole blocks. */
function absorb(at: usize, length: u32): v128 {
  let hash = i64x2.splat(0)
  for (; length >= 16; length -= 16) {
    hash = multiply1(v128.xor(hash, v128.load(at)))
    at += 16
  }
  return length > 0 ? multiply1(v128.xor(hash, beginning(at, length))) : hash
}

/** Takes in the last `left` bytes of ciphertext, fewer than 64, and the block of lengths (section 7.1, step 5). */
function finish(hash: v128, at: usize, left: u32, aadLength: u32, length: u32): v128 {
  const lengths = i64x2.replace_lane(i64x2.splat(bswap<u64>(u64(aadLength) << 3)), 1, bswap<u64>(u64(length) << 3))
  if (left === 0) return multiply1(v128.xor(hash, lengths))
  if (left <= 16) return multiply2(v128.xor(hash, beginning(at, left)), lengths)
  const a = v128.xor(hash, v128.load(at))
  if (left <= 32) return multiply3(a, beginning(at + 16, left - 16), lengths)
  const b = v128.load(at, 16)
  if (left <= 48) return multiply4(a, b, beginning(at + 32, left - 32), lengths)
  return multiply1(v128.xor(multiply4(a, b, v128.load(at, 32), beginning(at + 48, left - 48)), lengths))
}

/** The first `length` bytes of a block, zero behind. */
function beginning(at: usize, length: u32): v128 {
  const places = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
  return v128.and(v128.load(at), i8x16.lt_u(places, i8x16.splat(u8(length))))
}

/** a * H. */
function multiply1(a: v128): v128 {
  const ah = high(a)
  const al = low(a)
  let lower = i64x2.splat(0)
  let upper = i64x2.splat(0)
  let row = LAST_PAIR
  do {
    let sum = v128.swizzle(v128.load(row, 224), ah)
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 240), al))
    upper = shift(upper, lower)
    lower = v128.xor(shift(lower, i64x2.splat(0)), sum)
    sum = v128.swizzle(v128.load(row, 96), ah)
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 112), al))
    upper = shift(upper, lower)
    lower = v128.xor(shift(lower, i64x2.splat(0)), sum)
    row -= 2 * ROW
  } while (row !== BEFORE)
  return reduce(lower, upper)
}

/** a * H^2 + b * H. */
function multiply2(a: v128, b: v128): v128 {
  const ah = high(a)
  const al = low(a)
  const bh = high(b)
  const bl = low(b)
  let lower = i64x2.splat(0)
  let upper = i64x2.splat(0)
  let row = LAST_PAIR
  do {
    let sum = v128.swizzle(v128.load(row, 192), ah)
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 208), al))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 224), bh))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 240), bl))
    upper = shift(upper, lower)
    lower = v128.xor(shift(lower, i64x2.splat(0)), sum)
    sum = v128.swizzle(v128.load(row, 64), ah)
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 80), al))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 96), bh))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 112), bl))
    upper = shift(upper, lower)
    lower = v128.xor(shift(lower, i64x2.splat(0)), sum)
    row -= 2 * ROW
  } while (row !== BEFORE)
  return reduce(lower, upper)
}

/** a * H^3 + b * H^2 + c * H. */
function multiply3(a: v128, b: v128, c: v128): v128 {
  const ah = high(a)
  const al = low(a)
  const bh = high(b)
  const bl = low(b)
  const ch = high(c)
  const cl = low(c)
  let lower = i64x2.splat(0)
  let upper = i64x2.splat(0)
  let row = LAST_PAIR
  do {
    let sum = v128.swizzle(v128.load(row, 160), ah)
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 176), al))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 192), bh))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 208), bl))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 224), ch))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 240), cl))
    upper = shift(upper, lower)
    lower = v128.xor(shift(lower, i64x2.splat(0)), sum)
    sum = v128.swizzle(v128.load(row, 32), ah)
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 48), al))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 64), bh))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 80), bl))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 96), ch))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 112), cl))
    upper = shift(upper, lower)
    lower = v128.xor(shift(lower, i64x2.splat(0)), sum)
    row -= 2 * ROW
  } while (row !== BEFORE)
  return reduce(lower, upper)
}

/** a * H^4 + b * H^3 + c * H^2 + d * H. */
function multiply4(a: v128, b: v128, c: v128, d: v128): v128 {
  const ah = high(a)
  const al = low(a)
  const bh = high(b)
  const bl = low(b)
  const ch = high(c)
  const cl = low(c)
  const dh = high(d)
  const dl = low(d)
  let lower = i64x2.splat(0)
  let upper = i64x2.splat(0)
  let row = LAST_PAIR
  do {
    let sum = v128.swizzle(v128.load(row, 128), ah)
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 144), al))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 160), bh))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 176), bl))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 192), ch))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 208), cl))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 224), dh))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 240), dl))
    upper = shift(upper, lower)
    lower = v128.xor(shift(lower, i64x2.splat(0)), sum)
    sum = v128.swizzle(v128.load(row), ah)
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 16), al))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 32), bh))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 48), bl))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 64), ch))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 80), cl))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 96), dh))
    sum = v128.xor(sum, v128.swizzle(v128.load(row, 112), dl))
    upper = shift(upper, lower)
    lower = v128.xor(shift(lower, i64x2.splat(0)), sum)
    row -= 2 * ROW
  } while (row !== BEFORE)
  return reduce(lower, upper)
}

/** High nibbles: the powers x^0 to x^3 of each byte. */
function high(block: v128): v128 {
  return i8x16.shr_u(block, 4)
}

/** Low nibbles: the powers x^4 to x^7 of each byte. */
function low(block: v128): v128 {
  return v128.and(block, i8x16.splat(15))
}

/** `block` times x^8, that is moved by one byte, with the last byte of `previous` coming in. */
function shift(block: v128, previous: v128): v128 {
  return v128.shuffle<u8>(previous, block, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30)
}

/** lower + upper * x^128, of degree below 128. The last byte of `upper` is zero, so one step does. */
function reduce(lower: v128, upper: v128): v128 {
  const inside = v128.xor(v128.xor(upper, i8x16.shr_u(upper, 1)), v128.xor(i8x16.shr_u(upper, 2), i8x16.shr_u(upper, 7)))
  const across = v128.xor(v128.xor(i8x16.shl(upper, 7), i8x16.shl(upper, 6)), i8x16.shl(upper, 1))
  return v128.xor(v128.xor(lower, inside), shift(across, i64x2.splat(0)))
}

/** Writes the 32 rows of one power of H: row j holds byte j of the product with each of the sixteen nibbles. */
function writeTables(power: v128, table: usize): void {
  let upper = bswap<u64>(i64x2.extract_lane(power, 0))
  let lower = bswap<u64>(i64x2.extract_lane(power, 1))
  for (let at = POWERS; at < POWERS + 128; at += 16) {
    store<u64>(at, bswap<u64>(upper))
    store<u64>(at, bswap<u64>(lower), 8)
    const carry: u64 = 0 - (lower & 1)
    lower = (lower >> 1) | (upper << 63)
    upper = (upper >> 1) ^ (carry & REDUCTION)
  }
  for (let row: usize = 0; row < 16; row++) {
    v128.store(table, nibbles(POWERS + row))
    v128.store(table, nibbles(POWERS + 64 + row), 16)
    table += ROW
  }
}

/** One byte of the products with 0 to 15, from that byte of the products with x^0 (the nibble 8), x^1 (4), x^2 (2) and x^3 (1). */
function nibbles(at: usize): v128 {
  const eight = v128.and(v128.load8_splat(at), i8x16(0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1))
  const four = v128.and(v128.load8_splat(at, 16), i8x16(0, 0, 0, 0, -1, -1, -1, -1, 0, 0, 0, 0, -1, -1, -1, -1))
  const two = v128.and(v128.load8_splat(at, 32), i8x16(0, 0, -1, -1, 0, 0, -1, -1, 0, 0, -1, -1, 0, 0, -1, -1))
  const one = v128.and(v128.load8_splat(at, 48), i8x16(0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1))
  return v128.xor(v128.xor(eight, four), v128.xor(two, one))
}

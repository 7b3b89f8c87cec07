/**
 * A stream of random numbers that is the same for the same seed: the small fast counter generator sfc32 (Chris Doty-Humphrey, PractRand), seeded
 * from text by FNV-1a. For laboratories; anybody can predict it.
 */
export class RandomStream {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: string) {
    this.#a = fnv1a(seed, 0x811c_9dc5)
    this.#b = fnv1a(seed, 0x9e37_79b9)
    this.#c = fnv1a(seed, 0x85eb_ca6b)
    for (let i = 0; i < 12; i++) this.next()
  }

  /** From 0 up to, but not, 1. */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return (sum >>> 0) / 0x1_0000_0000
  }
}

function fnv1a(text: string, basis: number): number {
  let hash = basis
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193)
  return hash | 0
}

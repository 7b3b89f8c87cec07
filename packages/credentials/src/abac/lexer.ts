/**
 * Splits a policy's text into tokens, by the lexer of WebAssembly's text format, which is what the Rust nodes use (crate `wast`): spaces, `;; comments` to
 * the end of the line, `(; nested comments ;)`, strings with escapes, integers, floats, and names.
 *
 * Characters that change the direction of text are refused, so that nobody reads a policy in another order than a node does.
 */

import { abacError } from './error.ts'
import { type Expression, isInt64 } from './expression.ts'

export type Token =
  | { readonly kind: '(' | ')' | '[' | ']' | 'end' }
  | { readonly kind: 'atom'; readonly expression: Exclude<Expression, { readonly items: unknown }> }

/** What a name, an operator or a number is made of. */
const WORD = /[0-9A-Za-z!#$%&'*+\-./:<=>?@\\^_`|~]*/y
/** As in the Rust nodes, where `+-@` is a range: from the plus sign to the at sign. */
const NAME = /^[a-zA-Z!$%&*/<=>?~_^][a-zA-Z0-9!$%&*/<=>?~_^.+-@]*$/
const INTEGER = /^[+-]?(?:[0-9]+(?:_[0-9]+)*|0x[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)$/
/** Neither hexadecimal nor with underscores, which the Rust nodes refuse, too. */
const FLOAT = /^[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?$/
const INFINITY_OR_NAN = /^[+-]?(?:inf|nan|nan:0x[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)$/
const MAX_DIGITS = 20
const CONFUSING = /[\u202a\u202b\u202d\u202e\u2066-\u2069\u206c]/
const SPACE = /[ \t\r\n]*/y
const SIMPLE_ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', '"': '"', "'": "'", '\\': '\\' }
const HEX_BYTE = /[0-9a-fA-F]{2}/y
const CODE_POINT = /\{([0-9a-fA-F](?:_*[0-9a-fA-F])*)\}/y
const PLAIN = /[^"\\]*/y
/** Those of ASCII. */
const CONTROL = /(?![\u0080-\u009f])\p{Cc}/u

export class Lexer {
  readonly #text: string
  #position = 0

  /** @param text well-formed. */
  constructor(text: string) {
    this.#text = text
  }

  /** @throws {OckamError} `credentials/invalid-policy` */
  next(): Token {
    this.#skipSpace()
    const first = this.#text[this.#position]
    if (first === undefined) return { kind: 'end' }
    if (first === '(' || first === ')' || first === '[' || first === ']') {
      this.#position++
      return { kind: first }
    }
    const word = this.#match(WORD)
    if (this.#text[this.#position] !== '"') return this.#word(word, first)
    const text = this.#string()
    const behind = this.#text[this.#position]
    if (behind === '"' || (behind !== undefined && this.#match(WORD) !== ''))
      throw this.#invalid('a string has to end before the next part begins')
    if (word === '') return atom({ kind: 'string', value: text })
    if (word === '$' || word === '@') return this.#signed(word, text)
    throw this.#invalid('a string has to begin behind a space')
  }

  #word(word: string, first: string): Token {
    if (word === '') throw this.#invalid('a character stands there that belongs to nothing')
    if (INTEGER.test(word)) return atom({ kind: 'integer', value: this.#integer(word.replaceAll('_', '')) })
    if (FLOAT.test(word)) return atom({ kind: 'float', value: Number(word) })
    if (INFINITY_OR_NAN.test(word)) return atom({ kind: 'float', value: floatOf(word) })
    if (first === '$' || first === '@') return this.#signed(first, word.slice(1))
    if (!NAME.test(word)) throw this.#invalid('that is neither a name nor a number')
    if (word === 'true' || word === 'false') return atom({ kind: 'boolean', value: word === 'true' })
    return atom({ kind: 'name', name: word })
  }

  /** `$name` or `@name`; the name may be a string. Behind `$` it may be anything. */
  #signed(sign: '$' | '@', name: string): Token {
    if (name === '' || (sign === '@' && !NAME.test(name))) throw this.#invalid(`no name follows the sign ${sign}`)
    return atom({ kind: 'name', name })
  }

  #integer(word: string): bigint {
    const sign = word.startsWith('-') ? -1n : 1n
    const unsigned = word.replace(/^[+-]/, '')
    const isHexadecimal = unsigned.startsWith('0x')
    const digits = unsigned.slice(isHexadecimal ? 2 : 0).replace(/^0+(?=.)/, '')
    const value = digits.length > MAX_DIGITS ? undefined : sign * BigInt(isHexadecimal ? `0x${digits}` : digits)
    if (value === undefined || !isInt64(value)) throw this.#invalid('the integer does not fit 64 bits')
    return value
  }

  #skipSpace(): void {
    const text = this.#text
    for (;;) {
      this.#match(SPACE)
      const at = this.#position
      if (text.startsWith(';;', at)) {
        const rest = text.slice(at).search(/[\r\n]/)
        this.#position = rest < 0 ? text.length : at + rest
      } else if (text.startsWith('(;', at)) this.#skipBlock()
      else return
      if (CONFUSING.test(text.slice(at, this.#position))) throw this.#invalid('a comment changes the direction of the text')
    }
  }

  #skipBlock(): void {
    const signs = /\(;|;\)/g
    signs.lastIndex = this.#position
    let level = 0
    do {
      const sign = signs.exec(this.#text)
      if (sign === null) throw this.#invalid('a comment does not end')
      level += sign[0] === '(;' ? 1 : -1
    } while (level > 0)
    this.#position = signs.lastIndex
  }

  /** At the quote in front. */
  #string(): string {
    this.#position++
    let text = ''
    for (;;) {
      const plain = this.#match(PLAIN)
      if (CONFUSING.test(plain)) throw this.#invalid('a string changes the direction of the text: write the character as \\u{…}')
      if (CONTROL.test(plain)) throw this.#invalid('a string holds a control character: write it as \\hh')
      text += plain
      const next = this.#text[this.#position]
      if (next === '"') break
      if (next === undefined) throw this.#invalid('a string does not end')
      text += this.#escape()
    }
    this.#position++
    return text
  }

  /** One escape, or several that make up bytes. */
  #escape(): string {
    const letter = this.#text[this.#position + 1] ?? ''
    const simple = Object.hasOwn(SIMPLE_ESCAPES, letter) ? SIMPLE_ESCAPES[letter] : undefined
    if (simple !== undefined) {
      this.#position += 2
      return simple
    }
    if (letter === 'u') return this.#codePoint()
    return this.#bytes()
  }

  #codePoint(): string {
    this.#position += 2
    CODE_POINT.lastIndex = this.#position
    const found = CODE_POINT.exec(this.#text)
    // Seven digits behind leading zeros are over the last code point already.
    const digits = found?.[1]?.replaceAll('_', '').replace(/^0+(?=.)/, '') ?? ''
    const code = digits.length > 6 ? Number.NaN : Number.parseInt(digits, 16)
    if (!(code <= 0x10ffff) || (code >= 0xd800 && code <= 0xdfff)) throw this.#invalid('\\u{…} is no character')
    this.#position = CODE_POINT.lastIndex
    return String.fromCodePoint(code)
  }

  /** `\hh` as often as it comes: together they are UTF-8, because what stands beside them is whole characters. */
  #bytes(): string {
    const bytes: number[] = []
    while (this.#text[this.#position] === '\\') {
      HEX_BYTE.lastIndex = this.#position + 1
      const digits = HEX_BYTE.exec(this.#text)?.[0]
      if (digits === undefined) break
      bytes.push(Number.parseInt(digits, 16))
      this.#position += 3
    }
    if (bytes.length === 0) throw this.#invalid('a string has an escape that is none')
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes))
    } catch {
      throw this.#invalid('the bytes of a string are not UTF-8')
    }
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#position
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#position += found.length
    return found
  }

  #invalid(problem: string): Error {
    return abacError('credentials/invalid-policy', `Cannot read the policy: ${problem} (character ${this.#position}).`)
  }
}

const atom = (expression: Extract<Token, { kind: 'atom' }>['expression']): Token => ({ kind: 'atom', expression })

function floatOf(word: string): number {
  if (word.includes('nan')) return Number.NaN
  return word.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}

/** Whether a name is read again from its text as it is; otherwise it is written `$"name"`. */
export function isPlainName(name: string): boolean {
  if (name === 'true' || name === 'false' || name.startsWith('$') || !NAME.test(name) || /[,;]/.test(name)) return false
  return !INFINITY_OR_NAN.test(name)
}

/**
 * Placeholders of transcripts. `{port:web}` is a port: whatever stands there the first time is the value of that name from then on, in answers as in
 * inputs. A placeholder without a name (`{ms}`) is something new each time.
 */

const PATTERNS = {
  identifier: 'I[0-9a-f]{64}',
  history: '[0-9a-f]{100,}',
  channel: '[0-9a-f]{32}',
  name: '[0-9a-f]{8}',
  keys: '[0-9a-f]{12}',
  port: '\\d{1,5}',
  pid: '\\d{1,10}',
  time: '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z',
  ms: '\\d+(?:\\.\\d+)?',
  count: '\\d+',
  path: '/[^\\s"]+',
  version: '\\d+\\.\\d+\\.\\d+',
  text: '[^\\n]+',
} as const
type Kind = keyof typeof PATTERNS

const PLACEHOLDER = /\{([a-z]+)(?::([a-z0-9-]+))?\}/g

export class Placeholders {
  readonly #values: Map<string, string>

  /** @param known `name` of `{name}`, or `type:name` of `{type:name}`, and the value it has from the start. */
  constructor(known: Readonly<Record<string, string>>) {
    this.#values = new Map(Object.entries(known))
  }

  /** An input with its values. @throws for a name without a value. */
  filled(text: string): string {
    return text.replaceAll(PLACEHOLDER, (whole, type: string, name: string | undefined) => {
      const value = this.#values.get(keyOf(type, name))
      if (value !== undefined) return value
      if (type in PATTERNS) throw new Error(`${whole} has no value yet`)
      return whole
    })
  }

  /** Whether an answer is as expected; when it is, new names have values. */
  match(expected: string, actual: string): boolean {
    const names: string[] = []
    let pattern = ''
    let end = 0
    for (const { 0: whole, 1: type = '', 2: name, index } of expected.matchAll(PLACEHOLDER)) {
      const key = keyOf(type, name)
      const known = this.#values.get(key)
      pattern += escaped(expected.slice(end, index))
      end = index + whole.length
      const again = names.indexOf(key)
      if (known !== undefined) pattern += escaped(known)
      else if (!(type in PATTERNS)) pattern += escaped(whole)
      else if (name === undefined) pattern += `(?:${PATTERNS[type as Kind]})`
      else if (again >= 0) pattern += `\\${again + 1}(?!\\d)`
      else {
        names.push(key)
        pattern += `(${PATTERNS[type as Kind]})`
      }
    }
    const found = new RegExp(`^${pattern}${escaped(expected.slice(end))}$`).exec(actual)
    if (found === null) return false
    for (const [index, key] of names.entries()) this.#values.set(key, found[index + 1] as string)
    return true
  }

  /** For recording: an answer with placeholders in the places of what differs from run to run. */
  abstracted(actual: string): string {
    let text = actual
    for (const key of ['home', 'folder']) text = text.replaceAll(this.#values.get(key) ?? '\0', `{${key}}`)
    const named = (kind: Kind, value: string): string => `{${this.#keyFor(kind, value)}}`
    const replace = (kind: Kind, pattern: RegExp): void => {
      text = text.replaceAll(pattern, (_, before: string, value: string) => `${before}${named(kind, value)}`)
    }
    replace('identifier', /(\b)(I[0-9a-f]{64})\b/g)
    replace('history', /(\b)([0-9a-f]{100,})\b/g)
    replace('channel', /(\b)([0-9a-f]{32})\b/g)
    replace('keys', /(\/keys-)([0-9a-f]{12})\b/g)
    replace('name', /(\b)([0-9a-f]{8})\b(?!-)/g)
    text = text.replaceAll(new RegExp(PATTERNS.time, 'g'), '{time}').replaceAll(/\b\d+\.\d\d(?= ms)/g, '{ms}')
    text = text
      .replaceAll(/(_ms": )\d+(\.\d+)?/g, '$1{ms}')
      .replaceAll(/(atMs": )\d+/g, '$1{ms}')
      .replaceAll(/(within )\d+(?= ms)/g, '$1{ms}')
    text = text
      .replaceAll(/("(?:connections|delivered)": )\d+/g, '$1{count}')
      .replaceAll(/Node \d+\.\d+\.\d+, OpenSSL [\d.]+/g, 'Node {text}, OpenSSL {text}')
    replace('pid', /((?:\bprocess[ \t]|"pid": ?|\trunning\t))(\d+)/g)
    replace('port', /((?:\/tcp\/|127\.0\.0\.1:|\[::1\]:|0\.0\.0\.0:))(?!4000\b|5000\b)(\d{2,5})\b/g)
    return text
  }

  #keyFor(kind: Kind, value: string): string {
    const known = [...this.#values].find(([key, one]) => one === value && key.startsWith(`${kind}:`))
    if (known !== undefined) return known[0]
    let count = 1
    while (this.#values.has(`${kind}:${count}`)) count++
    this.#values.set(`${kind}:${count}`, value)
    return `${kind}:${count}`
  }
}

const keyOf = (type: string, name: string | undefined): string => (name === undefined ? type : `${type}:${name}`)
const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')

/**
 * Configuration of a node: YAML (or JSON) from a file, a URL or the command line. Every thing in it becomes the command that makes such a thing, so
 * that a configuration knows exactly the words and options the command line knows.
 *
 *     variables: { PORT: 5000 }
 *     name: db
 *     tcp-listener-address: 127.0.0.1:4000
 *     relay: db                                  # a name, a list of names, or options
 *     tcp-outlet: { to: $PORT }                  # options,
 *     tcp-inlets: { web: { from: 8080, to: … } } # or options under a name
 *
 * `$NAME` and `${NAME}` inside values and names are variables: those of the command line win over the environment, that over the configuration's own.
 * A configuration from a URL sees nothing of the environment, and none sees what opens vaults: it could send either of them wherever it likes.
 */

import { parse } from 'yaml'
import { type CommandError, usageError } from '../error.ts'
import { nodeName } from '../address/node-route.ts'
import { VARIABLES } from '../program/variable.ts'

export interface NodeConfiguration {
  /** Options of `node create`, by name without dashes. */
  readonly node: Readonly<Record<string, Value>>
  /** Commands to run on the node, without `--at`. */
  readonly commands: readonly (readonly string[])[]
  /** Nodes that things of the configuration name for themselves. */
  readonly named: readonly NamedNode[]
}

interface NamedNode {
  /** Where it stands: `tcp-outlet.at`. */
  readonly key: string
  readonly node: string
}

type Value = string | boolean | readonly string[]

/** A kind of thing: the command that makes it, where its name goes, and the option that names the node. */
interface Kind {
  readonly command: readonly string[]
  /** Option for the name, or undefined when it is the first argument. */
  readonly nameOption: string | undefined
  readonly nodeOption: string
  /** Whether a text stands for the name alone. */
  readonly isNameEnough: boolean
}

const KINDS: Readonly<Record<string, Kind>> = {
  'tcp-listener': { command: ['tcp-listener', 'create'], nameOption: undefined, nodeOption: 'at', isNameEnough: true },
  'secure-channel-listener': {
    command: ['secure-channel-listener', 'create'],
    nameOption: undefined,
    nodeOption: 'at',
    isNameEnough: true,
  },
  'tcp-outlet': { command: ['tcp-outlet', 'create'], nameOption: 'from', nodeOption: 'at', isNameEnough: false },
  relay: { command: ['relay', 'create'], nameOption: undefined, nodeOption: 'to', isNameEnough: true },
  'tcp-inlet': { command: ['tcp-inlet', 'create'], nameOption: 'alias', nodeOption: 'at', isNameEnough: false },
}
const NODE_TEXTS = ['name', 'identity', 'tcp-listener-address', 'authorized', 'status-endpoint', 'status-endpoint-port', 'http-server-port']
/** Options of `node create` without a value. */
const NODE_FLAGS: ReadonlySet<string> = new Set([
  'foreground',
  'exit-on-eof',
  'skip-is-running-check',
  'http-server',
  'enable-http-server',
  'no-status-endpoint',
])
const NODE_OPTIONS: ReadonlySet<string> = new Set([...NODE_TEXTS, ...NODE_FLAGS])
/** Options that say who may. Without them everyone may, so a value that names nobody is not taken for none. */
const WHO_MAY: ReadonlySet<string> = new Set(['authorized', 'allow', 'expression'])
/** Variables of the environment that no configuration gets. */
const SECRETS: ReadonlySet<string> = new Set(VARIABLES.map(({ name }) => name).filter((name) => /PASSPHRASE|KEY/.test(name)))
const VERSION = '1'
const MAX_BYTES = 1024 * 1024
const MAX_THINGS = 1000

/** Variables by name. @throws {CommandError} `cli/usage` for text that is not `NAME=value`. */
export function parseVariables(given: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    given.map((text) => {
      const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text) ?? []
      if (name === undefined) throw usageError(`"${text}" is no variable: write NAME=value.`)
      if (value === undefined || value === '') throw usageError(`Empty value for variable '${name}'.`)
      return [name, value] as const
    }),
  )
}

/**
 * @param given variables of the command line. @param environment the process's, or undefined for a configuration that must not see it.
 * @throws {CommandError} `cli/usage`
 */
export function readConfiguration(
  text: string,
  given: ReadonlyMap<string, string>,
  environment: Readonly<Record<string, string | undefined>> | undefined,
): NodeConfiguration {
  if (text.length > MAX_BYTES) throw usageError(`The configuration is larger than ${MAX_BYTES} bytes.`)
  const { variables, version, ...rest } = asMap(parsed(text), 'The configuration')
  requireVersion(version)
  const own = new Map(
    Object.entries(asMap(variables ?? {}, '"variables"')).map(([name, value]) => [name, scalar(value, `variable ${name}`)]),
  )
  const lookUp = (name: string): string => {
    const value = given.get(name) ?? (isSecret(name) ? undefined : ownValue(environment ?? {}, name)) ?? own.get(name)
    if (value === undefined) throw noValue(name, environment !== undefined)
    return value
  }
  const node: Record<string, Value> = {}
  const commands: string[][] = []
  const named: NamedNode[] = []
  for (const [key, value] of Object.entries(rest)) {
    const name = key.replaceAll('_', '-')
    const kind = ownValue(KINDS, name) ?? ownValue(KINDS, name.replace(/s$/, ''))
    if (kind !== undefined) commands.push(...commandsOf(kind, value, name, { lookUp, named }))
    else if (NODE_OPTIONS.has(name)) node[name] = nodeOption(value, name, lookUp)
    else
      throw usageError(
        `The configuration has "${key}", which this command does not know.`,
        `It knows ${[...NODE_OPTIONS, ...Object.keys(KINDS)].join(', ')}.`,
      )
  }
  if (commands.length > MAX_THINGS) throw usageError(`The configuration has ${commands.length} things; at most ${MAX_THINGS} are allowed.`)
  // What others depend on comes first.
  const order = Object.values(KINDS).map(({ command }) => command[0])
  commands.sort((a, b) => order.indexOf(a[0]) - order.indexOf(b[0]))
  return { node, commands, named }
}

/** @throws {CommandError} `cli/usage` when a thing is meant for another node than this one. */
export function requireNoOther(node: string, { named }: NodeConfiguration): void {
  const other = named.find((one) => one.node !== node)
  if (other === undefined) return
  throw usageError(
    `"${other.key}" in the configuration names the node "${other.node}", and the configuration makes "${node}".`,
    'Leave it out; what belongs to another node goes into a configuration of its own.',
  )
}

function requireVersion(given: unknown): void {
  const version = scalar(given ?? VERSION, 'version')
  if (version !== VERSION) throw usageError(`This command reads configurations of version ${VERSION}, not ${version}.`)
}

/** The command with the option that names its node. */
export function onNode(command: readonly string[], node: string): readonly string[] {
  const kind = Object.values(KINDS).find((candidate) => candidate.command[0] === command[0])
  return [...command, `--${kind?.nodeOption ?? 'at'}`, node]
}

interface Reading {
  readonly lookUp: LookUp
  readonly named: NamedNode[]
}

function commandsOf(kind: Kind, value: unknown, key: string, reading: Reading): string[][] {
  const { lookUp } = reading
  if (Array.isArray(value)) return value.flatMap((one) => commandsOf(kind, one, key, reading))
  if (typeof value !== 'object' || value === null) {
    if (!kind.isNameEnough) throw usageError(`"${key}" needs options, such as { to: 5000 }.`)
    return [[...kind.command, substituted(scalar(value, key), lookUp)]]
  }
  const entries = Object.entries(value)
  const isNamed = entries.length > 0 && entries.every(([, one]) => typeof one === 'object' && one !== null && !Array.isArray(one))
  if (!isNamed) return [[...kind.command, ...wordsOf(kind, value, key, reading)]]
  return entries.map(([given, one]) => {
    if (WHO_MAY.has(given)) throw namesNobody(`${key}.${given}`)
    const name = substituted(given, lookUp)
    const words = wordsOf(kind, one as object, `${key}.${name}`, reading)
    const naming = kind.nameOption === undefined ? [name] : hasOption(one as object, kind.nameOption) ? [] : [`--${kind.nameOption}`, name]
    return [...kind.command, ...naming, ...words]
  })
}

const hasOption = (options: object, name: string): boolean => Object.keys(options).some((key) => key.replaceAll('_', '-') === name)

function wordsOf(kind: Kind, options: object, key: string, { lookUp, named }: Reading): string[] {
  const flags: string[] = []
  const words = Object.entries(options).flatMap(([name, value]) => {
    const option = name.replaceAll('_', '-')
    const given = valueOf(value, `${key}.${name}`, lookUp)
    // The configuration is about one node, and that is named when the command is run.
    if (option === kind.nodeOption || (option === 'node' && kind.nodeOption === 'at')) {
      named.push({ key: `${key}.${name}`, node: nodeName(String(given)) })
      return []
    }
    if (WHO_MAY.has(option)) requireSomebody(given, `${key}.${name}`)
    if (given === true) flags.push(`--${option}`)
    if (typeof given === 'boolean') return []
    // One word, so that a value that begins with a dash is no option.
    return (typeof given === 'string' ? [given] : given).map((one) => `--${option}=${one}`)
  })
  // Last, so that one that misses its value does not take another option for it.
  return [...words, ...flags]
}

/** @throws {CommandError} `cli/usage` where the value would leave the option out: the node would be open to everyone, or speak as somebody else. */
function nodeOption(given: unknown, name: string, lookUp: LookUp): Value {
  const value = valueOf(given, name, lookUp)
  if (NODE_FLAGS.has(name)) return flagOf(value, name)
  if (WHO_MAY.has(name)) requireSomebody(value, name)
  else if (typeof value !== 'string') throw usageError(`"${name}" in the configuration is one text.`)
  return value
}

/** Also as text, which is what variables are. */
function flagOf(value: Value, name: string): boolean {
  if (value === true || value === 'true') return true
  if (value === false || value === 'false') return false
  throw usageError(`"${name}" in the configuration is true or false.`)
}

function requireSomebody(value: Value, key: string): void {
  if (typeof value === 'boolean' || value.length === 0 || (typeof value !== 'string' && value.includes(''))) throw namesNobody(key)
}

const namesNobody = (key: string): CommandError =>
  usageError(`"${key}" in the configuration names nobody.`, 'Name who may, by identifier, or leave it out to let anybody in.')

type LookUp = (name: string) => string

const ownValue = <T>(values: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(values, name) ? values[name] : undefined

/** Names of the environment have no upper and lower case on every system. */
function isSecret(name: string): boolean {
  const upper = name.toUpperCase()
  return upper.startsWith('OCKAM_VAULT_') || SECRETS.has(upper)
}

function noValue(name: string, hasEnvironment: boolean): CommandError {
  const hint = `Give it: --variable ${name}=…`
  if (isSecret(name)) return usageError(`The configuration asks for ${name}, which opens vaults and is never taken from the environment.`)
  if (hasEnvironment) return usageError(`The variable ${name} has no value.`, hint)
  return usageError(`The variable ${name} has no value: a configuration from a URL gets none from the environment.`, hint)
}

function valueOf(value: unknown, key: string, lookUp: LookUp): Value {
  if (typeof value === 'boolean') return value
  if (Array.isArray(value)) return value.map((one) => substituted(scalar(one, key), lookUp))
  return substituted(scalar(value, key), lookUp)
}

function substituted(text: string, lookUp: LookUp): string {
  return text.replaceAll(/\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g, (_, braced: string | undefined, bare: string | undefined) => {
    return lookUp(braced ?? bare ?? '')
  })
}

function scalar(value: unknown, key: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw usageError(`"${key}" in the configuration is neither text nor a number.`)
}

function asMap(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw usageError(`${what} has to be names with values.`, 'For example: { name: n1, tcp-outlet: { to: 5000 } }')
}

function parsed(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100 })
  } catch (error) {
    throw usageError(`The configuration is not YAML: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`)
  }
}

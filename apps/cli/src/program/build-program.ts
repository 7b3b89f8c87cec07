/** Makes the parser from the registry: every command, its help with examples, and the options all of them share. */

import { Command, Option } from 'commander'
import { usageError } from '../error.ts'
import { type CommandDefinition, type CommandEntry, type CommandGroup, isGroup, type OptionDefinition } from './command.ts'
import { EXIT_CODE_HELP, GLOBAL_OPTIONS } from './global-option.ts'
import { Input, type OptionValues } from './input.ts'
import { COMMANDS } from './registry.ts'
import type { Shell } from './shell.ts'

const WIDTH = 100

export function buildProgram(shell: Shell, version: string): Command {
  const program = configured(new Command('ockam'))
    .description('Nodes, end-to-end secure channels, relays and portals from a shell.')
    .version(`ockam ${version}`, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .addHelpText(
      'after',
      `\n${EXIT_CODE_HELP}\n\nExample:\n  $ ockam node create n1\n  $ ockam message send hello --to /node/n1/service/uppercase\n  HELLO`,
    )
  for (const option of GLOBAL_OPTIONS) program.addOption(parserOption(option))
  for (const entry of COMMANDS) addEntry(program, entry, shell)
  program.addCommand(helpCommand(program))
  return program
}

/** The parser's own knows one word only, and says nothing of a command that it does not know. */
function helpCommand(program: Command): Command {
  return configured(new Command('help'))
    .summary('print the help of a command')
    .description('Print the help of a command.')
    .helpOption('-h, --help', 'print this help')
    .argument('[command...]', 'the command')
    .action((words: readonly string[]) => {
      let command = program
      for (const word of words) {
        const next = command.commands.find((candidate) => candidate.name() === word)
        if (next === undefined) throw usageError(`unknown command '${words.join(' ')}'`, 'See which there are: ockam --help')
        command = next
      }
      command.outputHelp()
    })
}

function addEntry(program: Command, entry: CommandEntry, shell: Shell): void {
  if (isGroup(entry)) addGroup(program, entry, shell)
  else addCommand(program, entry, shell)
}

function addGroup(program: Command, group: CommandGroup, shell: Shell): void {
  const parent = configured(new Command(group.name)).summary(group.summary).description(paragraphs(group.summary, group.details))
  parent.helpOption('-h, --help', 'print this help').helpCommand(false)
  const example = group.commands[0]?.examples[0]
  if (example !== undefined) parent.addHelpText('after', `\nExample:\n  $ ${example}`)
  for (const command of group.commands) addCommand(parent, command, shell)
  program.addCommand(parent)
}

function addCommand(parent: Command, definition: CommandDefinition, shell: Shell): void {
  const command = configured(new Command(definition.name))
    .summary(definition.summary)
    .description(paragraphs(definition.summary, definition.details))
    .helpOption('-h, --help', 'print this help')
    .allowExcessArguments(false)
  for (const { name, description, isRequired = false, isMany = false } of definition.parameters ?? []) {
    const text = isMany ? `${name}...` : name
    command.argument(isRequired ? `<${text}>` : `[${text}]`, description)
  }
  for (const option of definition.options ?? []) {
    command.addOption(parserOption(option))
    for (const alias of option.aliases ?? []) command.addOption(aliasOption(option, alias))
  }
  for (const option of GLOBAL_OPTIONS) command.addOption(parserOption(option).hideHelp())
  const examples = definition.examples.map((example) => `  $ ${example}`).join('\n')
  command.addHelpText('after', `\n${definition.examples.length > 1 ? 'Examples' : 'Example'}:\n${examples}`)
  command.action(async (...values: unknown[]) => {
    answerOptionsWithoutEffect(definition, command, shell)
    const positional = values.slice(0, definition.parameters?.length ?? 0) as (string | string[] | undefined)[]
    await definition.run(new Input(positional, withAliases(definition, command.opts())), shell)
  })
  parent.addCommand(command)
}

/** @throws {CommandError} `cli/usage` for an option that asks for what is not possible. */
function answerOptionsWithoutEffect(definition: CommandDefinition, command: Command, { terminal }: Shell): void {
  for (const { flags, aliases = [], ignoredBecause, refusedBecause } of [...(definition.options ?? []), ...GLOBAL_OPTIONS]) {
    if (ignoredBecause === undefined && refusedBecause === undefined) continue
    const names = [flags, ...aliases.map((alias) => `--${alias}`)].map((text) => new Option(text))
    const values = command.optsWithGlobals()
    // `--retry` and `--no-retry` are one value.
    const given = names.find((option) => {
      const name = option.attributeName()
      return command.getOptionValueSourceWithGlobals(name) === 'cli' && (values[name] === false) === option.negate
    })?.long
    if (given === undefined || given === null) continue
    if (refusedBecause !== undefined) throw usageError(`${given} is not possible here: ${refusedBecause}.`, 'Leave it out.')
    terminal.note(`${given} is ignored: ${ignoredBecause}.`)
  }
}

/** Complaints are thrown, so that all errors of the command look alike. */
function configured(command: Command): Command {
  return command
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({ outputError: () => undefined, getOutHelpWidth: helpWidth, getErrHelpWidth: helpWidth })
    .configureHelp({ showGlobalOptions: false, sortSubcommands: false, subcommandTerm })
}

/** Without `[options]`, which all of them have. */
function subcommandTerm(command: Command): string {
  const names = command.registeredArguments.map((argument) => (argument.required ? `<${argument.name()}>` : `[${argument.name()}]`))
  return [command.name(), ...names].join(' ')
}

function helpWidth(): number {
  return Math.min(process.stdout.columns ?? WIDTH, WIDTH)
}

function parserOption({ flags, description, fallback, choices, isMany, isRequired, isHidden }: OptionDefinition): Option {
  const option = new Option(flags, fallback === undefined ? description : `${description} (default: ${fallback})`)
  if (choices !== undefined) option.choices([...choices])
  if (isMany === true) option.argParser(collect)
  if (isRequired === true) option.makeOptionMandatory()
  return isHidden === true ? option.hideHelp() : option
}

/** `--name` in place of the option's own name, and with the same value. */
function aliasOption(option: OptionDefinition, alias: string): Option {
  const value = / <[^>]+>$/.exec(option.flags)?.[0] ?? ''
  return parserOption({ ...option, flags: `--${alias}${value}`, isHidden: true, isRequired: false })
}

function withAliases(definition: CommandDefinition, values: OptionValues): OptionValues {
  const all = { ...values }
  for (const option of definition.options ?? []) {
    const own = new Option(option.flags).attributeName()
    for (const alias of option.aliases ?? []) {
      const value = all[new Option(`--${alias}`).attributeName()]
      if (value !== undefined && all[own] === undefined) all[own] = value
    }
  }
  return all
}

/** `--to a --to b` is a list. */
function collect(value: string, before: unknown): string[] {
  return [...(Array.isArray(before) ? (before as string[]) : []), value]
}

function paragraphs(summary: string, details: string | undefined): string {
  return details === undefined ? `${summary}.` : `${summary}.\n\n${details}`
}

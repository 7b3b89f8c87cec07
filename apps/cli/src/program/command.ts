/**
 * What a command is: data from which parsing, help, shell completion and the reference are made, and one function that does the work. Commands know
 * nothing of the library that parses.
 */

import type { Input } from './input.ts'
import type { Shell } from './shell.ts'

/** A positional argument: `name` becomes `<name>`, `[name]` or `[name...]`. */
export interface ParameterDefinition {
  readonly name: string
  readonly description: string
  readonly isRequired?: boolean
  readonly isMany?: boolean
}

export interface OptionDefinition {
  /** As people write it: `-f, --foreground`, `--to <route>`. */
  readonly flags: string
  readonly description: string
  /** Further names of the same option, as other programs know it; not shown. */
  readonly aliases?: readonly string[]
  /** May be given several times. */
  readonly isMany?: boolean
  readonly isRequired?: boolean
  readonly choices?: readonly string[]
  /** Shown in help; the command applies it. */
  readonly fallback?: string
  /** Not shown in help or completion. */
  readonly isHidden?: boolean
  /** For an option without effect: why, as it is said on standard error when the option is given. */
  readonly ignoredBecause?: string
  /** For an option that asks for what is not possible: why, as the error says when the option is given. */
  readonly refusedBecause?: string
}

export interface CommandDefinition {
  readonly name: string
  /** One line without a full stop. */
  readonly summary: string
  /** What more there is to know, in paragraphs. */
  readonly details?: string
  readonly parameters?: readonly ParameterDefinition[]
  readonly options?: readonly OptionDefinition[]
  /** At least one command line that works as written. */
  readonly examples: readonly string[]
  run(input: Input, shell: Shell): Promise<void>
}

/** Commands about one kind of thing: `ockam identity …`. */
export interface CommandGroup {
  readonly name: string
  readonly summary: string
  readonly details?: string
  readonly commands: readonly CommandDefinition[]
}

export type CommandEntry = CommandDefinition | CommandGroup

export const isGroup = (entry: CommandEntry): entry is CommandGroup => 'commands' in entry

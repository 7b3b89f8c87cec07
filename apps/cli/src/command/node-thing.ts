/** Commands that are the same for everything that lives on a node: list, show and delete. */

import type { State } from '../state/state.ts'
import { usageError } from '../error.ts'
import type { CommandDefinition, OptionDefinition } from '../program/command.ts'
import type { Shell } from '../program/shell.ts'
import { confirmed } from '../terminal/question.ts'
import type { Column } from '../terminal/terminal.ts'
import { askNode, atOption, chosenNode } from './node-choice.ts'

export interface NodeThing<Info> {
  /** As in `ockam relay …`. */
  readonly noun: string
  /** `relays`. */
  readonly plural: string
  /** What the argument of show and delete is: `name`, `address`. */
  readonly parameter: string
  readonly parameterDescription: string
  readonly columns: readonly Column<Info>[]
  readonly example: string
  /** Further options that name the node, as other programs know them. */
  readonly nodeAliases?: readonly string[]
  /** Whether it is deleted without a question, as other programs do it: making it again takes one command and nothing is lost. */
  readonly isDeletedUnasked?: boolean
  /** What stands for the thing when there is just one argument to give. */
  readonly key: (info: Info) => string
}

const YES: OptionDefinition = { flags: '-y, --yes', description: 'do not ask' }

export function listCommand<Info>(thing: NodeThing<Info>): CommandDefinition {
  return {
    name: 'list',
    summary: `List the ${thing.plural} of a node`,
    options: [nodeOption(thing)],
    examples: [`ockam ${thing.noun} list --at n1`],
    async run(input, { terminal, openState }) {
      const state = await openState()
      const node = chosenNode(state, input.text('at'))
      const all = (await askNode(state, node, `${thing.noun}.list`, {})) as readonly Info[]
      await terminal.table(all, thing.columns, (info) => info, `Node "${node}" has no ${thing.plural}.`)
    },
  }
}

export function showCommand<Info>(thing: NodeThing<Info>): CommandDefinition {
  return {
    name: 'show',
    summary: `Show a ${thing.noun} of a node`,
    parameters: [{ name: thing.parameter, description: thing.parameterDescription, isRequired: true }],
    options: [nodeOption(thing)],
    examples: [`ockam ${thing.noun} show ${thing.example} --at n1`],
    run: (input, shell) => show(thing, shell, input.text('at'), input.required(0)),
  }
}

/** @param at the node's name; undefined for the default one. */
export async function show<Info>(
  thing: NodeThing<Info>,
  { terminal, openState }: Shell,
  at: string | undefined,
  name: string,
): Promise<void> {
  const state = await openState()
  const node = chosenNode(state, at)
  const info = (await askNode(state, node, `${thing.noun}.show`, { name })) as Info
  await terminal.properties(
    info,
    thing.columns.map((column) => [column.title, column.value(info)] as const),
  )
}

export function deleteCommand<Info>(thing: NodeThing<Info>): CommandDefinition {
  return {
    name: 'delete',
    summary: `Delete a ${thing.noun} of a node`,
    parameters: [{ name: thing.parameter, description: thing.parameterDescription }],
    options: [nodeOption(thing), YES, { flags: '--all', description: `delete all ${thing.plural} of the node` }],
    examples: [`ockam ${thing.noun} delete ${thing.example} --at n1 --yes`],
    async run(input, shell) {
      const state = await shell.openState()
      const node = chosenNode(state, input.text('at'))
      const given = input.argument(0)
      const names = input.flag('all') ? await allNames(thing, state, node) : given === undefined ? [] : [given]
      if (names.length === 0 && !input.flag('all')) throw missing(thing)
      const isYes = input.flag('yes') || thing.isDeletedUnasked === true
      if (names.length > 0 && !(await confirmed(shell, isYes, question(thing, names, node)))) return
      const deleted: Info[] = []
      for (const name of names) {
        const info = (await askNode(state, node, `${thing.noun}.delete`, { name })) as Info
        shell.terminal.note(`Deleted the ${thing.noun} "${thing.key(info)}" of node "${node}".`)
        deleted.push(info)
      }
      shell.terminal.data(deleted, '')
    },
  }
}

function nodeOption<Info>(thing: NodeThing<Info>): OptionDefinition {
  const option = atOption()
  return { ...option, aliases: [...(option.aliases ?? []), ...(thing.nodeAliases ?? [])] }
}

async function allNames<Info>(thing: NodeThing<Info>, state: State, node: string): Promise<readonly string[]> {
  return ((await askNode(state, node, `${thing.noun}.list`, {})) as readonly Info[]).map(thing.key)
}

function missing<Info>(thing: NodeThing<Info>): Error {
  return usageError(`Say which ${thing.noun}: give its ${thing.parameter}, or --all.`, `See which there are: ockam ${thing.noun} list`)
}

function question<Info>(thing: NodeThing<Info>, names: readonly string[], node: string): string {
  const what = names.length === 1 ? `the ${thing.noun} "${names[0]}"` : `${names.length} ${thing.plural}`
  return `Delete ${what} of node "${node}"?`
}

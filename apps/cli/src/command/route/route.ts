/** `ockam route …` */

import { nodeName, readRoute } from '../../address/node-route.ts'
import { CommandError } from '../../error.ts'
import type { LoggedEvent } from '../../node/event-log.ts'
import { TRACE_MS } from '../../node/limit.ts'
import type { TraceStep } from '../../node/trace.ts'
import type { CommandDefinition, CommandGroup } from '../../program/command.ts'
import type { Shell } from '../../program/shell.ts'
import type { State } from '../../state/state.ts'
import { askNode, chosenNode } from '../node-choice.ts'
import { timeoutOption } from '../timeout-option.ts'
import { authorizedOption, identityOption, sayWhoIsTrusted } from '../trust-option.ts'

/** What a node of this machine says it refused while the trace was under way. */
interface Refusal extends LoggedEvent {
  readonly node: string
}

const REFUSED = /(refused|dropped|denied|untrusted|failed|displaced)$/
/** What one trace may take in all. */
const LONGEST_MS = 300_000

const trace: CommandDefinition = {
  name: 'trace',
  summary: 'Follow a route piece by piece: how far it gets, how long each part takes, and who refused',
  details:
    `Every node on the way is asked through its echo service. Nodes elsewhere do not say what they refuse, so a trace shows where answers end; nodes
of this machine are asked what they refused meanwhile. The exit code is 0 when everything that can answer did.`.replaceAll('\n', ' '),
  parameters: [{ name: 'route', description: 'the route', isRequired: true }],
  options: [
    { flags: '-f, --from <node>', description: 'the node the trace begins at', fallback: 'a node for this trace alone' },
    authorizedOption('peers'),
    identityOption,
    timeoutOption(TRACE_MS, ' for each part'),
  ],
  examples: ['ockam route trace /node/relay/service/forward_to_b/secure/api/service/echo'],
  async run(input, shell) {
    const { terminal } = shell
    const state = await shell.openState()
    const given = input.required(0)
    const to = await readRoute(given, shell, state)
    const authorized = input.list('authorized')
    if (to.pieces.slice(0, -1).some(({ name }) => name === 'secure'))
      sayWhoIsTrusted(shell, authorized, `The channel on the way to ${given}`)
    const parameters = {
      to: to.toString(),
      identity: input.text('identity'),
      authorized: [...authorized],
      timeoutMs: input.durationMs('timeout'),
    }
    const sinceMs = Date.now()
    const from = input.text('from')
    const { steps, own } = await terminal.progress(`Tracing ${given}`, () => traced(shell, state, from, parameters))
    const refusals = [...own, ...(await refusalsOf(state, sinceMs))].filter(({ name }) => REFUSED.test(name))
    if (terminal.isJson) terminal.json({ route: to.toString(), steps, refusals })
    else await print(shell, steps, refusals)
    const end = steps.at(-1)
    if (end === undefined || end.status === 'answered' || end.status === 'not-asked') return
    throw new CommandError(end.status === 'silent' ? 'cli/timeout' : 'cli/failed', `The route ends at ${end.hop}: ${end.detail}`, {
      hint: refusals.length > 0 ? `Node "${refusals[0]?.node}" says: ${describe(refusals[0] as Refusal)}` : undefined,
    })
  },
}

type TraceParameters = { to: string; identity: string | undefined; authorized: string[]; timeoutMs: number | undefined }

async function traced(
  shell: Shell,
  state: State,
  from: string | undefined,
  parameters: TraceParameters,
): Promise<{ readonly steps: readonly TraceStep[]; readonly own: readonly Refusal[] }> {
  if (from !== undefined) {
    const node = chosenNode(state, nodeName(from))
    const steps = (await askNode(state, node, 'route.trace', parameters, { timeoutMs: LONGEST_MS })) as readonly TraceStep[]
    return { steps, own: [] }
  }
  const { withOwnHost } = await import('../../node/own-host.ts')
  const { trace: traceFrom } = await import('../../node/method/trace.ts')
  return withOwnHost(state, shell.secrets, parameters.identity, async (host) => {
    const steps = await traceFrom({ ...parameters, identity: undefined }, host, shell.signal)
    return { steps, own: host.events.since(0).map((event) => ({ ...event, node: 'this command' })) }
  })
}

async function refusalsOf(state: State, sinceMs: number): Promise<readonly Refusal[]> {
  const running = state.nodes.names().filter((name) => state.nodes.running(name) !== undefined)
  const all = await Promise.all(
    running.map(async (node) => {
      const events = (await askNode(state, node, 'node.events', { sinceMs }).catch(() => [])) as readonly LoggedEvent[]
      return events.map((event) => ({ ...event, node }))
    }),
  )
  return all.flat()
}

const describe = ({ name, details }: Refusal): string =>
  [name, ...Object.entries(details).map(([key, value]) => `${key}=${String(value)}`)].join(' ')

async function print({ terminal }: Shell, steps: readonly TraceStep[], refusals: readonly Refusal[]): Promise<void> {
  const milliseconds = (value: number | null): string => (value === null ? '' : `${value.toFixed(2)} ms`)
  const columns = [
    { title: 'HOP', value: (row: TraceStep) => row.hop },
    { title: 'KIND', value: (row: TraceStep) => row.kind },
    { title: 'STATUS', value: (row: TraceStep) => row.status },
    { title: 'ROUND TRIP', value: (row: TraceStep) => milliseconds(row.round_trip_ms) },
    { title: 'OPENED IN', value: (row: TraceStep) => milliseconds(row.open_ms) },
    { title: 'NOTE', value: (row: TraceStep) => row.detail ?? '' },
  ]
  await terminal.table(steps, columns, (row) => row, 'The route is empty.')
  for (const refusal of refusals) terminal.note(`Node "${refusal.node}" says: ${describe(refusal)}`)
}

export const route: CommandGroup = { name: 'route', summary: 'Where messages go', commands: [trace] }

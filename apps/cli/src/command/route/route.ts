/** `ockam route …` */

import { nodeName, readRoute } from '../../address/node-route.ts'
import { type CliErrorCode, CommandError } from '../../error.ts'
import type { LoggedEvent } from '../../node/event-log.ts'
import { longestTraceMs, TRACE_MS } from '../../node/limit.ts'
import type { Testimony, Verdict } from '../../node/testimony.ts'
import type { Trace, TraceStep } from '../../node/trace.ts'
import type { CommandDefinition, CommandGroup } from '../../program/command.ts'
import type { Shell } from '../../program/shell.ts'
import type { State } from '../../state/state.ts'
import { askNode, chosenNode } from '../node-choice.ts'
import { timeoutOption } from '../timeout-option.ts'
import { authorizedOption, identityOption, sayWhoIsTrusted } from '../trust-option.ts'

/** What a node of this machine says it refused of the route while the trace was under way. */
interface Refusal extends LoggedEvent {
  readonly node: string
}

const trace: CommandDefinition = {
  name: 'trace',
  summary: 'Follow a route piece by piece: how far it gets, how long each part takes, and which rule refuses it',
  details: [
    `Every node on the way is asked through its echo service; a worker at the end is sent nothing, because it might act on it. Where answers end, the
nodes of this machine say what their rules make of what comes this way. Nodes elsewhere do not say what they refuse: there a trace shows how far
answers come, and a last worker is "not-asked".`.replaceAll('\n', ' '),
    `The exit code is 0 when everything that can answer did, and nobody refuses ("answered", "admitted", "not-asked"); 3 when no such worker is there,
5 when a rule refuses, 6 when nothing answers, 1 when a connection fails.`.replaceAll('\n', ' '),
  ].join('\n\n'),
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
    if (to.pieces.some(({ name }) => name === 'secure')) sayWhoIsTrusted(shell, authorized, `The channel on the way to ${given}`)
    const names = to.pieces.flatMap(({ name, value }) => (['service', 'worker', 'secure'].includes(name) ? [value] : []))
    const parameters = {
      to: to.toString(),
      identity: input.text('identity'),
      authorized: [...authorized],
      timeoutMs: input.durationMs('timeout') ?? TRACE_MS,
    }
    const { steps, code, refusals, hint } = await terminal.progress(`Tracing ${given}`, () =>
      traced(shell, state, input.text('from'), parameters, names),
    )
    if (terminal.isJson) terminal.json({ route: to.toString(), steps, refusals })
    else await print(shell, steps, refusals)
    const end = steps.at(-1)
    if (end === undefined || code === null) return
    throw new CommandError(code, `The route ends at ${end.hop}: ${end.detail}`, { hint })
  },
}

type TraceParameters = { to: string; identity: string | undefined; authorized: string[]; timeoutMs: number }

interface Explained {
  readonly steps: readonly TraceStep[]
  readonly code: CliErrorCode | null
  readonly refusals: readonly Refusal[]
  readonly hint: string | undefined
}

async function traced(
  shell: Shell,
  state: State,
  from: string | undefined,
  parameters: TraceParameters,
  names: readonly string[],
): Promise<Explained> {
  const sinceMs = Date.now()
  const requestOf = ({ probes, question, identifier }: Trace) => ({ probes, question, names, identifier, sinceMs })
  if (from !== undefined) {
    const operationMs = longestTraceMs(parameters.to.split('/').length / 2, parameters.timeoutMs)
    const result = (await askNode(state, chosenNode(state, nodeName(from)), 'route.trace', parameters, {
      operationMs,
      signal: shell.signal,
    })) as Trace
    return explained(result, await testimoniesOf(state, requestOf(result)))
  }
  const { withOwnHost } = await import('../../node/own-host.ts')
  const { trace: traceFrom } = await import('../../node/method/trace.ts')
  const { testify } = await import('../../node/testimony.ts')
  return withOwnHost(state, shell.secrets, parameters.identity, async (host) => {
    const result = await traceFrom({ ...parameters, identity: undefined }, host, shell.signal)
    const own = { node: OWN, ...(await testify(host, requestOf(result))) }
    return explained(result, [own, ...(await testimoniesOf(state, requestOf(result)))])
  })
}

/** A node for this trace alone. */
const OWN = 'this command'

type NodeTestimony = Testimony & { readonly node: string }

/** A node that says nothing does not end the trace. */
const TESTIMONY_TIMEOUT_MS = 5000

async function testimoniesOf(state: State, request: unknown): Promise<readonly NodeTestimony[]> {
  const running = state.nodes.names().filter((name) => state.nodes.running(name) !== undefined)
  const asked = running.map(async (node): Promise<readonly NodeTestimony[]> => {
    const testimony = askNode(state, node, 'route.testimony', request, { timeoutMs: TESTIMONY_TIMEOUT_MS })
    return testimony.then(
      (said) => [{ node, ...(said as Testimony) }],
      () => [],
    )
  })
  return (await Promise.all(asked)).flat()
}

/** What the nodes say, put to where the trace ended. */
function explained({ steps, code }: Trace, testimonies: readonly NodeTestimony[]): Explained {
  const refusals = testimonies.flatMap(({ node, refusals: events }) => events.map((event) => ({ ...event, node })))
  const verdicts = testimonies.flatMap(({ node, verdict }) => (verdict === null ? [] : [{ node, verdict }]))
  const [first] = refusals
  const hint = first === undefined ? undefined : `Node "${first.node}" says: ${describe(first)}`
  const end = steps.at(-1)
  const [found] = verdicts
  // A probe that reached two nodes was carried there by somebody in between: then neither is the end of the route.
  if (end === undefined || found === undefined || verdicts.length > 1) return { steps, code, refusals, hint }
  const { node, verdict } = found
  const judgedSteps = [...steps.slice(0, -1), judged(end, node, verdict)]
  if (verdict.isAdmitted) return { steps: judgedSteps, code, refusals, hint }
  const isMissing = verdict.code === 'cli/not-found' && end.kind !== 'relay' && node !== OWN
  return {
    steps: judgedSteps,
    code: verdict.code,
    refusals,
    hint: isMissing ? `See which there are: ockam worker list --at ${node}` : undefined,
  }
}

function judged(step: TraceStep, node: string, verdict: Verdict): TraceStep {
  if (!verdict.isAdmitted) return { ...step, status: 'refused', detail: verdict.detail }
  if (step.status === 'not-asked') return { ...step, status: 'admitted', detail: verdict.detail }
  if (step.status !== 'silent') return step
  const relay = `node "${node}" has that relay; the node behind it does not answer`
  return { ...step, detail: step.kind === 'relay' ? relay : `${verdict.detail}; no answer comes back` }
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

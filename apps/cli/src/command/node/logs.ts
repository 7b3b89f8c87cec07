import type { CommandDefinition } from '../../program/command.ts'
import { chosenNode } from '../node-choice.ts'

export const nodeLogs: CommandDefinition = {
  name: 'logs',
  summary: 'Print where the log of a background node is, or the log itself',
  details:
    'Without options it prints the path, as in: less $(ockam node logs n1). With --output json every line of the log becomes { "line": … }, on a line of its own.',
  parameters: [{ name: 'name', description: 'name of the node (default: the default node)' }],
  options: [
    { flags: '-p, --print', description: 'print the log itself' },
    { flags: '-f, --follow', description: 'the same, and go on printing what is added, until interrupted' },
    { flags: '-n, --lines <count>', description: 'print only the last lines of it', fallback: 'all' },
    { flags: '--path', description: 'print where the log is, as without options', isHidden: true },
  ],
  examples: ['ockam node logs n1', 'ockam node logs n1 --print', 'ockam node logs n1 --follow --lines 20'],
  async run(input, { terminal, openState, signal }) {
    const state = await openState()
    const name = chosenNode(state, input.argument(0))
    const path = state.nodes.logPath(name)
    const [lines, isFollowing] = [input.count('lines'), input.flag('follow')]
    const isPrinting = input.flag('print') || isFollowing || lines !== undefined
    if (!isPrinting || input.flag('path')) return terminal.data({ name, path }, path)
    const { printLog } = await import('../../node/print-log.ts')
    await printLog({
      path,
      lines,
      isFollowing,
      isRunning: () => state.nodes.running(name) !== undefined,
      write: terminal.isJson ? asJsonLines() : (bytes) => void process.stdout.write(bytes),
      signal,
    })
  },
}

/** One value for each line, as it comes: a log that is followed never ends. */
function asJsonLines(): (bytes: Uint8Array) => void {
  const decoder = new TextDecoder()
  let rest = ''
  return (bytes) => {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    process.stdout.write(lines.map((line) => `${JSON.stringify({ line })}\n`).join(''))
  }
}

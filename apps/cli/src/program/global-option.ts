/** Options that every command understands. */

import type { OptionDefinition } from './command.ts'

export const GLOBAL_OPTIONS: readonly OptionDefinition[] = [
  { flags: '--output <format>', description: 'how data is printed', choices: ['plain', 'json'] },
  { flags: '--json', description: 'the same as --output json', isHidden: true },
  { flags: '--compact-output', description: 'JSON, on one line' },
  { flags: '--pretty', description: 'accepted; JSON is easy to read without it', isHidden: true },
  {
    flags: '--jq <query>',
    description: 'refused: hand the JSON to jq',
    refusedBecause: 'selecting is left to jq, as in: ockam node show --output json | jq .name',
    isHidden: true,
  },
  { flags: '-q, --quiet', description: 'say nothing but data, warnings and errors' },
  { flags: '-v, --verbose', description: 'say more; also what caused an error' },
  { flags: '--no-color', description: 'no colours, also on a terminal' },
  { flags: '--no-input', description: 'no questions and no moving things, also on a terminal' },
]

export const EXIT_CODE_HELP = `Exit codes:
  0  done                      4  name, address or port is taken
  1  failed                    5  not allowed, or not trusted
  2  wrong command line        6  no answer in time
  3  no such thing             7  the node is not running
                               8  the node was started by another version
  130, 143  interrupted, terminated`

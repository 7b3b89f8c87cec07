/** Completion scripts for bash, zsh and fish, made from the registry. They complete commands, options and choices; names of nodes come from the command. */

import { usageError } from '../error.ts'
import { type CommandDefinition, type CommandEntry, isGroup, type OptionDefinition } from './command.ts'
import { GLOBAL_OPTIONS } from './global-option.ts'

/** One line of words: `node create`, and what may follow. */
interface Place {
  readonly words: string
  readonly next: readonly { readonly word: string; readonly summary: string }[]
}

/** @throws {CommandError} `cli/usage` */
export function completionScript(shell: string, commands: readonly CommandEntry[]): string {
  const places = placesOf(commands)
  if (shell === 'bash') return bash(places)
  if (shell === 'zsh') return zsh(places)
  if (shell === 'fish') return fish(places)
  throw usageError(`There is no completion for "${shell}".`, 'There is one for: bash, zsh, fish')
}

function placesOf(commands: readonly CommandEntry[]): readonly Place[] {
  const places: Place[] = [{ words: '', next: commands.map(({ name, summary }) => ({ word: name, summary })) }]
  for (const entry of commands) {
    if (!isGroup(entry)) {
      places.push({ words: entry.name, next: optionsOf(entry) })
      continue
    }
    places.push({ words: entry.name, next: entry.commands.map(({ name, summary }) => ({ word: name, summary })) })
    for (const command of entry.commands) places.push({ words: `${entry.name} ${command.name}`, next: optionsOf(command) })
  }
  return places
}

function optionsOf(command: CommandDefinition): Place['next'] {
  const options = [...(command.options ?? []), ...GLOBAL_OPTIONS].filter(({ isHidden }) => isHidden !== true)
  return [
    ...options.map((option) => ({ word: longName(option), summary: option.description })),
    { word: '--help', summary: 'print the help' },
  ]
}

const longName = ({ flags }: OptionDefinition): string => /--[a-z-]+/.exec(flags)?.[0] ?? flags

/** Text in single quotes, for all three shells. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

function bash(places: readonly Place[]): string {
  const cases = places.map(({ words, next }) => `    ${quoted(words)}) words=${quoted(next.map(({ word }) => word).join(' '))} ;;`)
  return `# Completion of ockam for bash.
_ockam() {
  local current="\${COMP_WORDS[COMP_CWORD]}" place="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ "$word" == -* ]] && break
    local longer="\${place:+$place }$word"
    case " $_ockam_places " in *" <$longer> "*) place="$longer" ;; *) break ;; esac
  done
  case "$place" in
${cases.join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  [[ \${#COMPREPLY[@]} -eq 0 ]] && mapfile -t COMPREPLY < <(compgen -f -- "$current")
}
_ockam_places=${quoted(places.map(({ words }) => `<${words}>`).join(' '))}
complete -F _ockam ockam
`
}

function zsh(places: readonly Place[]): string {
  const describe = ({ word, summary }: Place['next'][number]): string => quoted(`${word}:${summary.replaceAll(':', '\\:')}`)
  const cases = places.map(({ words, next }) => `    ${quoted(words)}) next=(${next.map(describe).join(' ')}) ;;`)
  return `#compdef ockam
# Completion of ockam for zsh.
_ockam() {
  local place="" word longer
  local -a next places
  places=(${places.map(({ words }) => quoted(words)).join(' ')})
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ "$word" == -* ]] && break
    longer="\${place:+$place }$word"
    (( \${places[(Ie)$longer]} )) && place="$longer" || break
  done
  case "$place" in
${cases.join('\n')}
  esac
  _describe 'ockam' next || _files
}
if [ "$funcstack[1]" = "_ockam" ]; then _ockam "$@"; else compdef _ockam ockam; fi
`
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ words, next }) =>
    next.map(({ word, summary }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-f -a ${quoted(word)}`
      return `complete -c ockam -n ${quoted(`__ockam_at ${quoted(words)}`)} ${what} -d ${fishText(summary)}`
    }),
  )
  return `# Completion of ockam for fish.
function __ockam_at
  set -l place
  for word in (commandline -opc)[2..-1]
    string match -q -- '-*' $word; and break
    set -a place $word
  end
  set -l wanted (string split -n ' ' -- $argv[1])
  test (count $place) -ge (count $wanted); or return 1
  if test (count $wanted) -lt 2; and test (count $place) -ne (count $wanted); and not contains -- "$argv[1]" ${places
    .filter(({ words, next }) => words !== '' && next[0]?.word.startsWith('--') === true && !words.includes(' '))
    .map(({ words }) => words)
    .join(' ')}
    return 1
  end
  test (count $wanted) -eq 0; or test "$place[1..(count $wanted)]" = "$wanted"
end
${lines.join('\n')}
`
}

/** Within double quotes of a line that fish reads. */
const fishText = (text: string): string => `"${text.replaceAll(/["\\$]/g, (character) => `\\${character}`)}"`

/**
 * Completion scripts for bash, zsh and fish, made from the registry. They complete commands, options, choices, and the names of nodes, for which they
 * ask the command.
 */

import { usageError } from '../error.ts'
import { type CommandDefinition, type CommandEntry, isGroup, type OptionDefinition } from './command.ts'
import { GLOBAL_OPTIONS } from './global-option.ts'

/** One line of words: `node create`, and what may follow. */
interface Place {
  readonly words: string
  readonly next: readonly { readonly word: string; readonly summary: string }[]
  /** Whether names of nodes may follow. */
  readonly takesNodes: boolean
}

/** An option that takes a value, and what is known of that. */
interface Valued {
  readonly names: readonly string[]
  readonly choices: readonly string[]
  readonly isNode: boolean
}

/** @throws {CommandError} `cli/usage` */
export function completionScript(shell: string, commands: readonly CommandEntry[]): string {
  const places = placesOf(commands)
  const valued = valuedOf(commands)
  if (shell === 'bash') return bash(places, valued)
  if (shell === 'zsh') return zsh(places, valued)
  if (shell === 'fish') return fish(places, valued)
  throw usageError(`There is no completion for "${shell}".`, 'There is one for: bash, zsh, fish')
}

function placesOf(commands: readonly CommandEntry[]): readonly Place[] {
  const global = optionWords(GLOBAL_OPTIONS)
  const first = [
    ...commands.map(({ name, summary }) => ({ word: name, summary })),
    { word: 'help', summary: 'print the help of a command' },
  ]
  const places: Place[] = [{ words: '', next: [...first, ...global], takesNodes: false }]
  for (const entry of commands) {
    if (!isGroup(entry)) {
      places.push({ words: entry.name, next: optionsOf(entry), takesNodes: false })
      continue
    }
    places.push({ words: entry.name, next: entry.commands.map(({ name, summary }) => ({ word: name, summary })), takesNodes: false })
    for (const command of entry.commands) {
      const takesNodes = command.parameters?.some(({ description }) => description.startsWith('name of the node')) === true
      places.push({ words: `${entry.name} ${command.name}`, next: optionsOf(command), takesNodes: takesNodes && command.name !== 'create' })
    }
  }
  return places
}

const optionWords = (options: readonly OptionDefinition[]): Place['next'] =>
  options.filter(({ isHidden }) => isHidden !== true).map((option) => ({ word: longName(option), summary: option.description }))

const optionsOf = (command: CommandDefinition): Place['next'] => [
  ...optionWords([...(command.options ?? []), ...GLOBAL_OPTIONS]),
  { word: '--help', summary: 'print the help' },
]

/** Options of the same name take the same kind of value in all commands. */
function valuedOf(commands: readonly CommandEntry[]): readonly Valued[] {
  const all = commands.flatMap((entry) => (isGroup(entry) ? entry.commands : [entry])).flatMap(({ options = [] }) => options)
  const valued = [...all, ...GLOBAL_OPTIONS]
    .filter(({ flags }) => flags.includes('<'))
    .map(({ flags, choices = [] }) => ({ names: flags.match(/(?<![\w-])--?[a-z-]+/g) ?? [], choices, isNode: flags.includes('<node>') }))
  return [...new Map(valued.map((one) => [`${one.names.join()} ${one.isNode}`, one])).values()]
}

const longName = ({ flags }: OptionDefinition): string => /--[a-z-]+/.exec(flags)?.[0] ?? flags

/** Text in single quotes, for all three shells. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** Prints names, one a line. */
const NODE_NAMES = 'ockam node list --no-input 2>/dev/null | cut -f1'

/** For `case` of bash and zsh: what follows an option that takes a value. */
function valueCases(valued: readonly Valued[], line: (words: string) => string): readonly string[] {
  const of = (names: readonly string[], words: string): string => `    ${names.join('|')}) ${line(words)} ;;`
  const nodes = [...new Set(valued.filter(({ isNode }) => isNode).flatMap(({ names }) => names.filter((name) => name.startsWith('--'))))]
  const chosen = valued.filter(({ choices }) => choices.length > 0)
  return [
    ...(nodes.length === 0 ? [] : [of(nodes, `$(${NODE_NAMES})`)]),
    ...chosen.map(({ names, choices }) => of(names, choices.join(' '))),
  ]
}

const valuedNames = (valued: readonly Valued[]): string => [...new Set(valued.flatMap(({ names }) => names))].join(' ')

function bash(places: readonly Place[], valued: readonly Valued[]): string {
  const cases = places.map(({ words, next, takesNodes }) => {
    const known = quoted(next.map(({ word }) => word).join(' '))
    return `    ${quoted(words)}) words=${known}${takesNodes ? `" $(${NODE_NAMES})"` : ''} ;;`
  })
  return `# Completion of ockam for bash.
_ockam() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" place="" word words="" is_value=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ -n "$is_value" ]]; then is_value=""; continue; fi
    if [[ "$word" == -* ]]; then
      case " $_ockam_valued " in *" $word "*) is_value=yes ;; esac
      continue
    fi
    local longer="\${place:+$place }$word"
    case " $_ockam_places " in *" <$longer> "*) place="$longer" ;; esac
  done
  if [[ -n "$is_value" ]]; then
    case "$before" in
${valueCases(valued, (words) => `words="${words}"`).join('\n')}
    esac
  else
    case "$place" in
${cases.join('\n')}
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  [[ \${#COMPREPLY[@]} -eq 0 ]] && mapfile -t COMPREPLY < <(compgen -f -- "$current")
}
_ockam_valued=${quoted(valuedNames(valued))}
_ockam_places=${quoted(places.map(({ words }) => `<${words}>`).join(' '))}
complete -F _ockam ockam
`
}

function zsh(places: readonly Place[], valued: readonly Valued[]): string {
  const describe = ({ word, summary }: Place['next'][number]): string => quoted(`${word}:${summary.replaceAll(':', '\\:')}`)
  const cases = places.map(({ words, next, takesNodes }) => {
    const nodes = takesNodes ? ` \${(f)"$(${NODE_NAMES})"}` : ''
    return `    ${quoted(words)}) next=(${next.map(describe).join(' ')}${nodes}) ;;`
  })
  return `#compdef ockam
# Completion of ockam for zsh.
_ockam() {
  local place="" word longer is_value=""
  local -a next places valued
  places=(${places.map(({ words }) => quoted(words)).join(' ')})
  valued=(${valuedNames(valued)})
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n "$is_value" ]]; then is_value=""; continue; fi
    if [[ "$word" == -* ]]; then
      (( \${valued[(Ie)$word]} )) && is_value=yes
      continue
    fi
    longer="\${place:+$place }$word"
    (( \${places[(Ie)$longer]} )) && place="$longer"
  done
  if [[ -n "$is_value" ]]; then
    case "\${words[CURRENT-1]}" in
${valueCases(valued, (words) => (words.startsWith('$') ? `next=(\${(f)"${words}"})` : `next=(${words})`)).join('\n')}
    esac
  else
    case "$place" in
${cases.join('\n')}
    esac
  fi
  _describe 'ockam' next || _files
}
if [ "$funcstack[1]" = "_ockam" ]; then _ockam "$@"; else compdef _ockam ockam; fi
`
}

function fish(places: readonly Place[], valued: readonly Valued[]): string {
  const at = (words: string): string => quoted(`__ockam_at ${quoted(words)}`)
  const of = (word: string): string => {
    const known = valued.filter(({ names }) => names.includes(word))
    if (known.some(({ isNode }) => isNode)) return ` -x -a ${quoted(`(${NODE_NAMES})`)}`
    const [{ choices } = { choices: [] }] = known
    if (choices.length > 0) return ` -x -a ${quoted(choices.join(' '))}`
    return known.length > 0 ? ' -r' : ''
  }
  const lines = places.flatMap(({ words, next, takesNodes }) => [
    ...next.map(({ word, summary }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}${of(word)}` : `-f -a ${quoted(word)}`
      return `complete -c ockam -n ${at(words)} ${what} -d ${fishText(summary)}`
    }),
    ...(takesNodes ? [`complete -c ockam -n ${at(words)} -f -a ${quoted(`(${NODE_NAMES})`)}`] : []),
  ])
  return `# Completion of ockam for fish.
set -g __ockam_places ${places.map(({ words }) => quoted(words)).join(' ')}
set -g __ockam_valued ${valuedNames(valued)}
# Whether what is typed so far is that command.
function __ockam_at
  set -l place ''
  set -l is_value 0
  for word in (commandline -opc)[2..-1]
    if test $is_value = 1
      set is_value 0
      continue
    end
    if string match -q -- '-*' $word
      contains -- $word $__ockam_valued; and set is_value 1
      continue
    end
    set -l longer (string trim "$place $word")
    contains -- $longer $__ockam_places; and set place $longer
  end
  test "$place" = "$argv[1]"
end
${lines.join('\n')}
`
}

/** Within double quotes of a line that fish reads. */
const fishText = (text: string): string => `"${text.replaceAll(/["\\$]/g, (character) => `\\${character}`)}"`

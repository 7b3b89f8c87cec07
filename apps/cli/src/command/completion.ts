/** `ockam completion` */

import { usageError } from '../error.ts'
import type { CommandDefinition, CommandEntry } from '../program/command.ts'

/** @param commands all commands, this one too. */
export const completion = (commands: () => readonly CommandEntry[]): CommandDefinition => ({
  name: 'completion',
  summary: 'Print a completion script for your shell',
  parameters: [{ name: 'shell', description: 'bash, zsh or fish' }],
  options: [{ flags: '-s, --shell <shell>', description: 'the same as the argument', choices: ['bash', 'zsh', 'fish'], isHidden: true }],
  examples: [
    'ockam completion bash > ~/.local/share/bash-completion/completions/ockam',
    'ockam completion zsh > ~/.zfunc/_ockam',
    'ockam completion fish > ~/.config/fish/completions/ockam.fish',
  ],
  async run(input, { terminal }) {
    const { completionScript } = await import('../program/completion-script.ts')
    const shell = input.argument(0) ?? input.text('shell')
    if (shell === undefined) throw usageError('Say for which shell: bash, zsh or fish.', 'For example: ockam completion bash')
    const script = completionScript(shell, commands())
    terminal.data({ shell, script }, script)
  },
})

/** `ockam completion` */

import type { CommandDefinition } from '../program/command.ts'

export const completion: CommandDefinition = {
  name: 'completion',
  summary: 'Print a completion script for your shell',
  parameters: [{ name: 'shell', description: 'bash, zsh or fish' }],
  options: [{ flags: '--shell <shell>', description: 'the same as the argument', choices: ['bash', 'zsh', 'fish'], isHidden: true }],
  examples: [
    'ockam completion bash > ~/.local/share/bash-completion/completions/ockam',
    'ockam completion zsh > ~/.zfunc/_ockam',
    'ockam completion fish > ~/.config/fish/completions/ockam.fish',
  ],
  async run(input, { terminal }) {
    const [{ completionScript }, { COMMANDS }] = await Promise.all([
      import('../program/completion-script.ts'),
      import('../program/registry.ts'),
    ])
    const shell = input.argument(0) ?? input.text('shell') ?? ''
    const script = completionScript(shell, COMMANDS)
    terminal.data({ shell, script }, script)
  },
}

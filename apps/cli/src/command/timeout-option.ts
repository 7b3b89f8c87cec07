/** `--timeout <duration>` */

import type { OptionDefinition } from '../program/command.ts'

/** @param fallbackMs shown in help, with `more` behind it; the command applies it. */
export const timeoutOption = (fallbackMs: number, more = ''): OptionDefinition => ({
  flags: '--timeout <duration>',
  description: 'how long to wait, such as 5s or 500ms',
  fallback: `${fallbackMs / 1000}s${more}`,
})

/**
 * How to run each shell so that it stops at the first failing command and reads its script from an argument.
 */
export const SHELLS = {
  sh: '',
  bash: 'bash -eo pipefail -c',
  zsh: 'zsh -e -o pipefail -c',
  pwsh: 'pwsh -NoProfile -NonInteractive -Command',
  python3: 'python3 -c',
  node: 'node -e',
} as const
export type Shell = keyof typeof SHELLS

export const SHELL_NAMES = Object.keys(SHELLS) as [Shell, ...Shell[]]

export function isShell(name: string): name is Shell {
  return Object.hasOwn(SHELLS, name)
}

/** An account at a forge, from its signed webhooks. */
export interface ForgeAccount {
  readonly id: number
  /** For display only: names change hands. */
  readonly name: string
  /** A program, as far as can be determined. */
  readonly isBot: boolean
}

/** `type`: GitHub's account type. */
export function forgeAccount(id: number, name: string, type?: string | null): ForgeAccount {
  // GitHub apps, and the accounts that GitLab creates for project and group access tokens.
  const isBot = type === 'Bot' || /\[bot\]$|^(?:project|group)_\d+_bot(?:_|\d*$)/i.test(name)
  return { id, name, isBot }
}

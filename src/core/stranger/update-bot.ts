/** An account at a forge, as its signed webhooks tell it. */
export interface ForgeAccount {
  readonly id: number
  /** For show only: names are given up, and taken by others. */
  readonly name: string
  /** A program and no person, as far as can be told. */
  readonly isBot: boolean
}

/** What the account's number and name say; `type` is GitHub's own word. */
export function forgeAccount(id: number, name: string, type?: string | null): ForgeAccount {
  // GitHub's apps, and the accounts that GitLab makes for access tokens of projects and groups.
  const isBot = type === 'Bot' || /\[bot\]$|^(?:project|group)_\d+_bot(?:_|\d*$)/i.test(name)
  return { id, name, isBot }
}

import { makeSignInLink, signInUrl } from '../../api/auth/sessions.ts'
import { hashToken } from '../../api/auth/tokens.ts'
import { type CliIo, coloursFor } from '../../cli/terminal/cli-io.ts'
import { systemDoer } from '../../core/audit/audit.ts'
import { urlFromHere } from '../../lib/reach/url-from-here.ts'
import type { Uses } from '../../store/store.ts'

/**
 * Prints a sign-in link, valid once, within five minutes. Standard output that isn't a terminal may be a
 * journal that others can read, and gets only the name of the command.
 */
export async function printSignIn(
  io: CliIo,
  store: Uses<'tokens' | 'transact'>,
  { token, url }: { readonly token: string; readonly url: string },
): Promise<void> {
  const { bold, cyan } = coloursFor(io, io.stdout)
  if (!io.stdout.isTTY) {
    io.stdout.write('To sign in with a browser, run: ./narwhal sign-in-link\n')
    return
  }
  const user = await store.tokens.findUser(hashToken(token))
  if (!user) return
  const { result: link } = await store.transact(async (write) => {
    const made = await makeSignInLink(write, user)
    const after = { expiresAt: made.expiresAt }
    const subject = { id: user.id, name: user.name }
    const by = systemDoer('up', 'narwhal up, at a terminal')
    write.audit.add(by, { action: 'sign_in_link.created', subject, after })
    return made
  })
  io.stdout.write(`Sign in: ${cyan(signInUrl(urlFromHere(url), link.code))}\n`)
  io.stdout.write(
    `(once, within five minutes; ${bold('./narwhal sign-in-link')} creates another)\n`,
  )
}

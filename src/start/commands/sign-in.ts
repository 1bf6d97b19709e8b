import { makeSignInLink, signInUrl } from '../../api/auth/sessions.ts'
import { hashToken } from '../../api/auth/tokens.ts'
import { type CliIo, coloursFor } from '../../cli/terminal/cli-io.ts'
import { systemDoer } from '../../core/audit/audit.ts'
import { urlFromHere } from '../../lib/reach/url-from-here.ts'
import type { Store } from '../../store/store.ts'

/**
 * Tells a person at a terminal how to sign in: by a link that works once, within five minutes. What
 * is no terminal may be a journal, which others read, and gets no more than the command's name.
 */
export async function tellSignIn(
  io: CliIo,
  store: Store,
  { token, url }: { readonly token: string; readonly url: string },
): Promise<void> {
  const { bold, cyan } = coloursFor(io, io.stdout)
  if (!io.stdout.isTTY) {
    io.stdout.write('To sign in by a browser, run: ./narwhal sign-in-link\n')
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
  io.stdout.write(`(once, within five minutes; ${bold('./narwhal sign-in-link')} makes another)\n`)
}

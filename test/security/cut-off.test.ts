import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { test } from 'node:test'
import { guardApi } from '../../src/api/auth/auth.ts'
import { createToken, hashToken } from '../../src/api/auth/tokens.ts'
import { systemDoer } from '../../src/core/audit/audit.ts'
import { eventually } from '../support/eventually.ts'
import { bearer } from '../support/tokens.ts'
import { openWebStage } from '../support/web-stage.ts'

/** More than sockets buffer, so that the answer waits for its reader. */
const CHUNKS = 160
const LINES = Array.from({ length: 1000 }, (_, n) => `${n} ${'x'.repeat(250)}`)
const NAMES = Array.from({ length: 200 }, (_, n) => `${n} ${'x'.repeat(290)}`)

async function openAnswers() {
  await using stack = new AsyncDisposableStack()
  const cut: string[] = []
  const web = stack.use(
    await openWebStage({
      prepare: (server, { store }) => {
        guardApi(server, store, { loopbackOnly: true })
        server.addHook('onRequest', async ({ url }, { raw }) => {
          raw.once('close', () => {
            if (!raw.writableFinished) cut.push(url)
          })
        })
      },
    }),
  )
  const { stage } = web
  const token = createToken()
  await stage.store.transact(async (write) => {
    const user = { id: 'user_1', name: 'ada', role: 'admin', createdAt: 1 } as const
    const other = { id: 'user_2', name: 'bob', role: 'admin', createdAt: 1 } as const
    await write.users.insert(user)
    await write.users.insert(other)
    const record = { id: 'token_1', userId: user.id, name: 'test', createdAt: 1 } as const
    await write.tokens.insert({ ...record, hash: hashToken(token) })
    for (let n = 0; n < CHUNKS * 4; n++) {
      const subject = { id: 'repo_1', name: 'a' }
      const after = { settings: NAMES }
      write.audit.add(systemDoer('test', 'a test'), {
        action: 'repository.changed',
        subject,
        after,
      })
    }
  })
  const { job } = await stage.runJob()
  for (let n = 0; n < CHUNKS; n++) await stage.print(job, n * LINES.length, LINES)
  /** The beginning of the answer, which is not read any further. */
  async function begin(path: string) {
    const asked = request(web.url + path, { agent: false, headers: bearer(token) }).end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    assert.equal(answer.statusCode, 200)
    return answer
  }
  const owned = stack.move()
  return {
    begin,
    cut,
    log: `/api/v1/jobs/${job.id}/attempts/1/log.txt`,
    audit: '/api/v1/audit/lines?after=0',
    removeToken: () => stage.store.transact((write) => write.tokens.remove('token_1')),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

test('WHO-52: downloads of logs and of the audit log are cut off when the token is revoked', async () => {
  await using answers = await openAnswers()
  const begun = await Promise.all([answers.begin(answers.log), answers.begin(answers.audit)])
  await answers.removeToken()
  // Nothing was read, so neither can have reached its end.
  const isCut = (): boolean | null => answers.cut.length === 2 || null
  await eventually(isCut, { message: 'both answers to break off', timeoutMs: 20_000 })
  for (const answer of begun) answer.destroy()
})

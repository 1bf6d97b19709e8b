import assert from 'node:assert/strict'
import { readAuditLines } from '../../src/cli/audit/audit-client.ts'
import { ApiClient } from '../../src/client/client.ts'
import type { ChainedEntry } from '../../src/contract/rest/audit-chain.ts'
import type { AuditAction } from '../../src/core/audit/audit-actions.ts'
import { eventually } from './eventually.ts'
import { startNarwhal } from './narwhal-process.ts'
import { tempDir } from './temp-dir.ts'
import { bearer, tokenIn } from './tokens.ts'

export type AuditedNarwhal = Awaited<ReturnType<typeof openAudited>>

/** A process of its own, whose whole output can be searched. */
export async function openAudited() {
  await using stack = new AsyncDisposableStack()
  const dataDir = stack.use(await tempDir()).path
  const flags = ['--port', '0', '--data', dataDir, '--executor', 'fake:', '--slots', '8']
  const more = [
    '--max-attempts',
    '1',
    '--log-level',
    'debug',
    '--oidc-issuer',
    'https://tokens.example.com',
  ]
  const { said } = stack.use(startNarwhal(['up', ...flags, ...more]))
  const url = await eventually(() => /is up: (http:\S+)/.exec(said())?.[1] ?? null)
  const token = tokenIn(dataDir)
  const client = new ApiClient({ server: url, token }, new AbortController().signal)
  const asked = new Set<string>()
  const { entries, ask } = asking({ url, token, asked })
  const owned = stack.move()
  const dispose = (): Promise<void> => owned.disposeAsync()
  return {
    entries,
    ask,
    asked,
    url,
    agentUrl: url,
    token,
    client,
    dataDir,
    said,
    [Symbol.asyncDispose]: dispose,
  }
}

function asking({ url, token, asked }: { url: string; token: string; asked: Set<string> }) {
  async function entries(after = 0): Promise<ChainedEntry[]> {
    const { signal } = new AbortController()
    const address = { server: url, token: token }
    const all: ChainedEntry[] = []
    for await (const entry of readAuditLines(address, after, signal)) all.push(entry)
    return all
  }

  /**
   * Makes a request that changes something, by its route in the OpenAPI document, and returns the answer.
   * Checks that one audit entry is written, with this action and the caller.
   */
  async function ask(
    route: string,
    action: AuditAction,
    params: Readonly<Record<string, string>> = {},
    options: { body?: object; cookie?: string; actor?: string } = {},
  ): Promise<{ answer: Record<string, never>; entry: ChainedEntry; cookie: string }> {
    asked.add(route)
    const [method = '', pattern = ''] = route.split(' ')
    const path = pattern.replaceAll(/\{(\w+)\}/g, (_all, name: string) => params[name] ?? '')
    const last = (await entries()).at(-1)?.seq ?? 0
    const response = await fetch(`${url}${path}`, {
      method,
      ...(options.body ? { body: JSON.stringify(options.body) } : {}),
      headers: {
        ...(options.cookie ? { cookie: options.cookie } : bearer(token)),
        ...(options.body ? { 'content-type': 'application/json' } : {}),
      },
    })
    const text = await response.text()
    assert.ok(response.ok, `${route}: ${response.status} ${text}`)
    // What Narwhal itself does meanwhile, such as dispatching a job, does not belong to the request.
    const written = (await entries(last)).filter(({ cause }) => cause.startsWith(method))
    assert.deepEqual(
      written.map((entry) => entry.action),
      [action],
      route,
    )
    const [entry] = written
    assert.ok(entry)
    assert.equal(entry.address, '127.0.0.1')
    assert.equal(entry.cause, route.replaceAll(/\{(\w+)\}/g, ':$1'))
    assert.notEqual(entry.actor.kind, 'nobody', route)
    assert.equal(entry.actor.name, options.actor ?? 'admin', route)
    const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? ''
    return { answer: JSON.parse(text) as Record<string, never>, entry, cookie }
  }

  return { entries, ask }
}

/** A runner joins, and leaves with its identity, which no other route accepts: one audit entry is written. */
export async function leaveAsRunner(narwhal: AuditedNarwhal): Promise<void> {
  const { client, url, asked, entries } = narwhal
  const { token } = await client.createJoinToken({})
  const { identity, runner } = await client.joinRunner({ name: 'brief', token, ephemeral: true })
  const last = (await entries()).at(-1)?.seq ?? 0
  const headers = bearer(identity)
  const { status } = await fetch(`${url}/api/v1/runners/leave`, { method: 'POST', headers })
  assert.equal(status, 200)
  asked.add('POST /api/v1/runners/leave')
  const written = await entries(last)
  assert.deepEqual(
    written.map(({ action, actor, subject }) => [action, actor.kind, actor.id, subject.id]),
    [['runner.removed', 'runner', runner.id, runner.id]],
  )
  assert.ok((await client.listRunners()).every(({ name }) => name !== 'brief'))
}

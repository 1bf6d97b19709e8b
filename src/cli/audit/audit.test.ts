import assert from 'node:assert/strict'
import { appendFile, readFile, stat, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { runCommand, startCommand } from '#root/test/support/cli/run-command.ts'
import { eventually } from '#root/test/support/eventually.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { registerAuditReads } from '../../api/reads/audit-routes.ts'
import type { AuditEvent, Doer } from '../../core/audit/audit.ts'
import { openMetrics } from '../../http/metrics.ts'
import { createHttpServer, listen } from '../../http/server.ts'
import { silentLog } from '../../lib/log.ts'
import { openStore } from '../../store/open-store.ts'

const GRACE: Doer = {
  actor: { kind: 'person', id: 'user_1', name: 'grace' },
  address: '127.0.0.1',
  cause: 'PATCH /api/v1/users/:user',
}

function raised(name: string): AuditEvent {
  const facts = { before: { role: 'member' }, after: { role: 'admin' } }
  return { action: 'user.role_changed', subject: { id: `user_${name}`, name }, ...facts }
}

/** A server of nothing but an audit log, with a way to its database behind its back. */
async function openAuditServer() {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const path = dir.join('narwhal.db')
  const log = silentLog()
  const store = stack.use(await openStore({ kind: 'sqlite', path }, log))
  const ready = async (): Promise<void> => {}
  const server = await createHttpServer({ log, metrics: openMetrics(), ready, version: 'test' })
  registerAuditReads(server, store)
  stack.defer(() => server.close())
  const { url } = await listen(server, { host: '127.0.0.1', port: 0 })
  const note = async (...events: AuditEvent[]): Promise<void> => {
    await store.transact(async (write) => {
      for (const event of events) write.audit.add(GRACE, event)
    })
  }
  const tamper = (statement: string): void => {
    using database = new DatabaseSync(path)
    database.exec(statement)
  }
  const owned = stack.move()
  return { url, dir, store, note, tamper, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

test('`narwhal audit` shows who did what, the newest first, and only what was asked for', async () => {
  await using server = await openAuditServer()
  const key: AuditEvent = { action: 'secret.set', subject: { id: 'KEY', name: 'KEY' } }
  await server.note(raised('alan'), raised('mary'), key)
  const now = { now: () => Date.now() }
  const all = await runCommand(server.url, 'audit', now)
  assert.equal(all.code, 0, all.err)
  const lines = all.out.trimEnd().split('\n')
  assert.match(lines[0] ?? '', /# +WHEN +WHO +FROM +ACTION +SUBJECT +DETAILS +VIA/)
  assert.match(lines[1] ?? '', /^3 .*grace +127\.0\.0\.1 +secret\.set +KEY/)
  assert.match(lines[2] ?? '', /^2 .*user\.role_changed +mary +role: member → admin/)
  const some = await runCommand(server.url, 'audit --action user.role_changed --subject alan', now)
  assert.match(some.out, /alan/)
  assert.doesNotMatch(some.out, /mary|KEY/)
  const json = await runCommand(server.url, 'audit --json --limit 2 --since 1d', now)
  const seqs = json.out
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { seq: number }).seq)
  assert.deepEqual(seqs, [3, 2])
  const none = await runCommand(server.url, 'audit --until 2020-01-01', now)
  assert.match(none.err, /no entries match/)
  const wrong = await runCommand(server.url, 'audit --action user.destroyed', now)
  assert.equal(wrong.code, 2)
  assert.match(wrong.err, /use one of user\.added, /)
})

test('`narwhal audit verify` finds what was changed or taken away in the database itself', async () => {
  await using server = await openAuditServer()
  await server.note(...['a', 'b', 'c', 'd', 'e'].map(raised))
  const whole = await runCommand(server.url, 'audit verify')
  assert.equal(whole.code, 0, whole.err)
  const newest = /newest entry: (5:[0-9a-f]{64})/.exec(whole.out)?.[1] ?? ''
  assert.notEqual(newest, '')
  assert.equal((await runCommand(server.url, `audit verify --at ${newest}`)).code, 0)

  server.tamper("update audit set actor_name = 'alan' where seq = 3")
  const changed = await runCommand(server.url, 'audit verify')
  assert.equal(changed.code, 6)
  assert.match(changed.err, /entry 3 was changed/)
  server.tamper("update audit set actor_name = 'grace' where seq = 3")
  assert.equal((await runCommand(server.url, 'audit verify')).code, 0)

  server.tamper('delete from audit where seq = 5')
  assert.match(
    (await runCommand(server.url, 'audit verify')).err,
    /the entries after 4, up to 5, are missing/,
  )
  server.tamper('delete from audit where seq in (2, 3)')
  assert.match((await runCommand(server.url, 'audit verify')).err, /entries 2 to 3 are missing/)
})

test('a chain that was made anew differs from what was kept elsewhere', async () => {
  await using server = await openAuditServer()
  await server.note(...['a', 'b', 'c'].map(raised))
  const file = server.dir.join('kept.jsonl')
  const { err, code } = await runCommand(server.url, ['audit', 'export', '--to', file])
  assert.equal(code, 0, err)
  const kept = (await readFile(file, 'utf8')).trimEnd().split('\n')
  assert.equal(kept.length, 3)
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  const verify = ['audit', 'verify', '--file', file]
  assert.equal((await runCommand(server.url, verify)).code, 0)

  // As somebody would do it who may write to the database, and knows how the chain is made.
  server.tamper('delete from audit; update audit_head set last = 0, hash = ""'.replace('""', "''"))
  await server.note(...['a', 'x', 'c'].map(raised))
  assert.equal((await runCommand(server.url, 'audit verify')).code, 0)
  assert.match((await runCommand(server.url, verify)).err, /entry [13] differs from that of/)
  const on = await runCommand(server.url, ['audit', 'export', '--to', file])
  assert.equal(on.code, 0, 'nothing has come behind what the file has')
  await server.note(raised('d'))
  const refused = await runCommand(server.url, ['audit', 'export', '--to', file])
  assert.equal(refused.code, 6)
  assert.match(refused.err, /does not continue after entry 3: /)
  assert.equal((await readFile(file, 'utf8')).trimEnd().split('\n').length, 3)

  await writeFile(file, [kept[0], kept[2], ''].join('\n'))
  assert.match((await runCommand(server.url, verify)).err, /kept\.jsonl is not an intact audit log/)
})

test('`narwhal audit export --follow` writes entries as they come, also after a break', async () => {
  await using server = await openAuditServer()
  await server.note(raised('a'))
  const file = server.dir.join('audit.jsonl')
  const seqs = async (): Promise<number[]> => {
    const text = await readFile(file, 'utf8').catch(() => '')
    const lines = text.split('\n').filter((line) => line !== '')
    return lines.map((line) => (JSON.parse(line) as { seq: number }).seq)
  }
  const first = startCommand(server.url, ['audit', 'export', '--to', file, '--follow'])
  await eventually(async () => (await seqs()).length === 1)
  await server.note(raised('b'))
  await eventually(async () => (await seqs()).length === 2)
  first.io.interrupt()
  await first.done

  // It was broken off in the middle of a line.
  await appendFile(file, '{"seq":3,"at":')
  await server.note(raised('c'))
  const again = await runCommand(server.url, ['audit', 'export', '--to', file])
  assert.equal(again.code, 0, again.err)
  assert.deepEqual(await seqs(), [1, 2, 3])
  const twice = await runCommand(server.url, ['audit', 'export', '--to', file, '--after', '1'])
  assert.match(twice.err, /omit --after/)
  const printed = await runCommand(server.url, 'audit export --after 2')
  assert.deepEqual((JSON.parse(printed.out) as { seq: number }).seq, 3)
})

test('what retention has removed is no hole', async () => {
  await using server = await openAuditServer()
  await server.note(...['a', 'b', 'c'].map(raised))
  const before = Date.now() + 60_000
  await server.store.transact((write) => write.audit.prune(GRACE, { before, limit: 2 }))
  const { out, code } = await runCommand(server.url, 'audit verify')
  assert.equal(code, 0)
  assert.match(out, /intact: 2 entries, from 3 on/)
  const exported = await runCommand(server.url, 'audit export')
  assert.equal(exported.out.trimEnd().split('\n').length, 2)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logAppend } from '#root/test/support/log-append.ts'
import type { LogLine } from '../../contract/rest/views.ts'
import { redactionInWords } from '../../core/attempt/redaction.ts'
import { LOG_READ_CHARACTERS } from '../ports/logs.ts'
import { lines, type OpenDatabase, openWorld, seedAttempt } from './fixtures.ts'

export function logsContract(open: OpenDatabase): void {
  test('reads any range of a log, however it was cut into pieces', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { log, job } = await seedAttempt(store)
    const all = lines(0, 3210)
    let seq = 0
    for (const [from, to] of [
      [0, 1],
      [1, 8],
      [8, 10],
      [10, 2600],
      [2600, 3210],
    ]) {
      seq++
      await store.transact((write) =>
        write.logs.append(logAppend({ ...log, lastSeq: seq }, all.slice(from, to))),
      )
    }
    assert.deepEqual(await store.logs.read(log, 0, 10_000), all)
    const ranges = [
      [0, 1],
      [5, 4],
      [7, 2],
      [999, 2],
      [1000, 1000],
      [3209, 5],
      [2599, 2],
      [20, 0],
    ]
    for (const [from, limit] of ranges as [number, number][]) {
      assert.deepEqual(await store.logs.read(log, from, limit), all.slice(from, from + limit))
    }
    assert.deepEqual(await store.logs.read(log, 3210, 5), [])
    assert.deepEqual(await store.logs.read({ ...log, attempt: 2 }, 0, 5), [])
    const attempt = (await store.jobs.find(job.id))?.attempts[0]
    assert.deepEqual([attempt?.lines, attempt?.lastSeq], [3210, 5])
  })

  test('brings no more than a few megabytes of long lines at a time, and all in the end', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { log } = await seedAttempt(store)
    // Short ones first: what a reader has seen says nothing of what comes.
    const all = lines(0, 1200).map((line, n) =>
      n < 1000 ? line : { ...line, text: 'x'.repeat(64 * 1024) },
    )
    await store.transact((write) => write.logs.append(logAppend({ ...log, lastSeq: 1 }, all)))
    const read: LogLine[] = []
    for (let reads = 0; read.length < all.length; reads++) {
      const some = await store.logs.read(log, read.length, 5000)
      const characters = some.reduce((sum, { text }) => sum + text.length, 0)
      assert.ok(characters <= 5 * 1024 * 1024, `${characters} characters`)
      assert.ok(characters >= LOG_READ_CHARACTERS || read.length + some.length === all.length)
      read.push(...some)
      assert.ok(reads < 20)
    }
    assert.deepEqual(read, all)
    assert.deepEqual(await store.logs.read(log, all.length, 5000), [])
  })

  test('leaves out lines that are there already', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { log, job } = await seedAttempt(store)
    const append = (lastSeq: number, some: LogLine[]) =>
      store.transact((write) => write.logs.append(logAppend({ ...log, lastSeq }, some)))
    await append(3, lines(0, 5))
    await append(3, lines(0, 5))
    await append(2, lines(3, 4))
    await append(4, [])
    assert.deepEqual(await store.logs.read(log, 0, 100), lines(0, 7))
    const found = await store.jobs.find(job.id)
    assert.deepEqual([found?.attempts[0]?.lines, found?.attempts[0]?.lastSeq], [7, 4])
    assert.equal(found?.version, job.version)
  })

  test('refuses lines that leave a hole', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { log } = await seedAttempt(store)
    const append = (some: LogLine[]) =>
      store.transact((write) => write.logs.append(logAppend({ ...log, lastSeq: 1 }, some)))
    await append(lines(0, 2))
    await assert.rejects(append(lines(3, 2)), { code: 'conflict', message: /line 2, not 3/ })
    assert.deepEqual(await store.logs.read(log, 0, 100), lines(0, 2))
  })

  test('refuses the log of a former runner', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { log } = await seedAttempt(store)
    const append = (over: Partial<typeof log>) =>
      store.transact((write) =>
        write.logs.append(logAppend({ ...log, lastSeq: 1, ...over }, lines(0, 1))),
      )
    await assert.rejects(append({ fence: 0 }), { code: 'conflict' })
    await assert.rejects(append({ fence: 2 }), { code: 'conflict' })
    await assert.rejects(append({ attempt: 2 }), { code: 'not_found' })
    assert.deepEqual(await store.logs.read(log, 0, 100), [])
  })

  test('gives back the text of a log unchanged, however hostile or long', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { log } = await seedAttempt(store)
    const texts = [
      'NUL \0 and \\u0000',
      'lone \r and \u0085',
      '\u{1f40b} \u001b[31mred\u001b[0m \u2028 \ufeff',
      '',
      'x'.repeat(3_000_000),
      '"\\\'',
    ]
    const streams = ['stdout', 'stderr', 'narwhal'] as const
    const all = texts.map((text, number): LogLine => {
      return { number, step: number, at: number, stream: streams[number % 3] ?? 'stdout', text }
    })
    await store.transact((write) => write.logs.append(logAppend({ ...log, lastSeq: 1 }, all)))
    const read = await store.logs.read(log, 0, 100)
    assert.deepEqual([...read, ...(await store.logs.read(log, read.length, 100))], all)
    assert.deepEqual(await store.logs.read(log, 5, 1), all.slice(5))
  })

  test('takes text out of a log for good, and keeps the numbers of its lines', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { log, job } = await seedAttempt(store)
    const all = lines(0, 100).map((line, n) => ({ ...line, step: n < 60 ? 0 : 1 }))
    const append = (lastSeq: number, from: number, to: number) =>
      store.transact((write) =>
        write.logs.append(logAppend({ ...log, lastSeq }, all.slice(from, to))),
      )
    await append(1, 0, 30)
    await append(2, 30, 50)
    const redaction = { steps: [0], by: 'ada', at: 7000 }
    await store.transact((write) => write.logs.addRedaction(log, redaction))
    assert.deepEqual(await store.logs.listRedactions(log), [redaction])
    assert.equal((await store.jobs.find(job.id))?.attempts[0]?.redactedAt, undefined)
    // What comes from now on is never stored.
    const { result: told } = await append(3, 50, 60)
    assert.ok(
      !JSON.stringify(told.map((chunk) => Buffer.from(chunk.content).toString())).includes('line'),
    )
    const { result: kept } = await append(4, 60, 100)
    assert.equal(kept.length, 1)
    const known = { ...redaction, sha256: 'hash' }
    await store.transact((write) => write.logs.addRedaction(log, known))
    assert.deepEqual(await store.logs.listRedactions(log), [known])
    let from: number | undefined = 0
    let last: readonly { readonly type: string }[] = []
    while (from !== undefined) {
      const next: number = from
      const { result, changes } = await store.transact((write) => write.logs.redactSome(log, next))
      from = result
      last = changes
    }
    assert.deepEqual(
      last.map(({ type }) => type),
      ['job.changed'],
    )
    const read = await store.logs.read(log, 0, 1000)
    assert.deepEqual(
      read.map(({ number, step }) => [number, step]),
      all.map(({ number, step }) => [number, step]),
    )
    assert.equal(read[0]?.text, redactionInWords(known))
    assert.ok(read.slice(1, 60).every(({ text }) => text === ''))
    assert.deepEqual(read.slice(60), all.slice(60))
    const attempt = (await store.jobs.find(job.id))?.attempts[0]
    assert.deepEqual([attempt?.lines, attempt?.lastSeq, attempt?.redactedAt], [100, 4, 7000])
    // Who writes the attempt later leaves it so.
    const record = await store.jobs.find(job.id)
    assert.ok(record)
    await store.transact((write) => write.jobs.save(record, [1]))
    assert.equal((await store.jobs.find(job.id))?.attempts[0]?.redactedAt, 7000)
    const nobody = { ...log, attempt: 9 }
    await assert.rejects(
      store.transact((write) => write.logs.addRedaction(nobody, redaction)),
      { code: 'not_found' },
    )
  })
}

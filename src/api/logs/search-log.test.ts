import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWebStage, type WebStage } from '#root/test/support/web-stage.ts'
import { logSearch } from '../../contract/rest/rest-logs.ts'
import type { Job } from '../../core/job/job.ts'

async function search(web: WebStage, job: Job, query: Record<string, string>) {
  const path = `/api/v1/jobs/${job.id}/attempts/1/log/search?${new URLSearchParams(query).toString()}`
  const response = await fetch(web.url + path)
  assert.equal(response.status, 200, await response.clone().text())
  return logSearch.parse(await response.json())
}

const numbersOf = ({ matches }: { matches: readonly { number: number }[] }) =>
  matches.map(({ number }) => number)

test('finds the lines of a whole log that have a text, whatever their case', async () => {
  await using web = await openWebStage()
  const { job } = await web.stage.runJob()
  const texts = Array.from({ length: 3000 }, (_, n) => `line ${n}${n % 1000 === 7 ? ' ERROR' : ''}`)
  for (let n = 0; n < 3000; n += 300) await web.stage.print(job, n, texts.slice(n, n + 300))
  const found = await search(web, job, { text: 'error' })
  assert.deepEqual(numbersOf(found), [7, 1007, 2007])
  assert.deepEqual([found.total, found.lines, found.complete], [3, 3000, false])
  const { at: _, ...first } = found.matches[0] ?? assert.fail()
  assert.deepEqual(first, {
    number: 7,
    step: 0,
    stream: 'stdout',
    excerpt: 'line 7 ERROR',
    offset: 0,
    ranges: [[7, 12]],
  })
  assert.equal((await search(web, job, { text: 'error', matchCase: 'true' })).total, 0)
  assert.equal((await search(web, job, { text: 'ERROR', matchCase: 'true' })).total, 3)
  await web.stage.finish(job)
  assert.equal((await search(web, job, { text: 'nowhere' })).complete, true)
})

test('tells the matches in pages, each with the number of all', async () => {
  await using web = await openWebStage()
  const { job } = await web.stage.runJob()
  await web.stage.print(
    job,
    0,
    Array.from({ length: 25 }, (_, n) => (n % 2 === 0 ? 'even' : 'odd')),
  )
  const numbers: number[] = []
  let from: number | undefined = 0
  for (let pages = 0; from !== undefined; pages++) {
    const found = await search(web, job, { text: 'even', from: String(from), limit: '5' })
    assert.equal(found.total, 13)
    numbers.push(...numbersOf(found))
    from = found.next
    assert.ok(pages < 4)
  }
  assert.deepEqual(
    numbers,
    Array.from({ length: 13 }, (_, n) => 2 * n),
  )
})

test('shows of a long line the part with the text, and every place in it', async () => {
  await using web = await openWebStage()
  const { job } = await web.stage.runJob()
  const long = `${'🐋'.repeat(5000)}Needle and needle${'x'.repeat(5000)}needle`
  await web.stage.print(job, 0, ['hay', long, 'İstanbul NEEDLE ß'])
  const { matches } = await search(web, job, { text: 'needle' })
  const [first, second] = matches
  assert.ok(first && second)
  assert.ok(first.excerpt.length <= 301 && first.excerpt.isWellFormed())
  const shown = first.ranges.map(([from, to]) => first.excerpt.slice(from, to))
  assert.deepEqual(shown, ['Needle', 'needle'])
  assert.equal(long.slice(first.offset, first.offset + first.excerpt.length), first.excerpt)
  assert.equal(second.excerpt.slice(...(second.ranges[0] ?? [0, 0])), 'NEEDLE')
})

test('finds matches at every place of every kind of text, with the numbers of their lines', async () => {
  await using web = await openWebStage()
  const { job } = await web.stage.runJob()
  const texts = ['needle', 'x', '', 'a needle', 'needle needle', 'grün', 'NEEDLE', 'needle']
  // Some chunks are of ASCII alone, others are not.
  for (let n = 0; n < 10; n++) {
    const some = n % 2 === 0 ? texts : texts.map((text) => text.replace('grün', 'green'))
    await web.stage.print(job, n * texts.length, some)
  }
  const expected = (isWanted: (text: string) => boolean) =>
    Array.from({ length: 80 }, (_, n) => n).filter((n) => isWanted(texts[n % 8] ?? ''))
  const any = await search(web, job, { text: 'Needle' })
  assert.deepEqual(
    numbersOf(any),
    expected((text) => text.toLowerCase().includes('needle')),
  )
  const exact = await search(web, job, {
    text: 'needle',
    matchCase: 'true',
    from: '30',
    limit: '4',
  })
  const all = expected((text) => text.includes('needle'))
  assert.equal(exact.total, all.length)
  assert.deepEqual(numbersOf(exact), all.filter((n) => n >= 30).slice(0, 4))
  assert.equal(exact.next, all.filter((n) => n >= 30)[4])
  assert.equal((await search(web, job, { text: 'GRÜN' })).total, 5)
})

test('takes what is searched for as plain text', async () => {
  await using web = await openWebStage()
  const { job } = await web.stage.runJob()
  await web.stage.print(job, 0, ['a.*b', 'axxb', '(a+)+$', 'größe GRÖSSE Größe'])
  assert.deepEqual(numbersOf(await search(web, job, { text: '.*' })), [0])
  assert.deepEqual(numbersOf(await search(web, job, { text: '(a+)+$' })), [2])
  assert.equal((await search(web, job, { text: 'GRÖßE' })).matches[0]?.ranges.length, 2)
  const path = `/api/v1/jobs/${job.id}/attempts/1/log/search`
  assert.equal((await fetch(`${web.url}${path}?text=`)).status, 400)
  assert.equal(
    (await fetch(`${web.url}/api/v1/jobs/job_0/attempts/1/log/search?text=a`)).status,
    404,
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PipelineView } from '../../src/contract/rest/views.ts'
import { type AuthorForge, authorForge, type HeldForge } from '../support/author-forge.ts'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { deliver, pullCommit, pullRequestPayload } from '../support/github.ts'
import {
  type Installation,
  pipelineOf,
  register,
  settled,
  startUp,
} from '../support/installation.ts'

const FILE = JSON.stringify({ jobs: { test: { steps: ['print ran'] } } })
const KNOWN = 8
const NEW = 9

function heldBy(repositoryId: number, project: string): HeldForge {
  const logins = new Map([
    [KNOWN, 'known'],
    [NEW, 'new'],
  ])
  const merged = { number: 1_000, authorId: KNOWN, sha: 'a'.repeat(40), isMerged: true }
  return { kind: 'github', repositoryId, project, logins, requests: [merged] }
}

async function link(
  { client }: Installation,
  { id, project, forge }: { id: string; project: string; forge: AuthorForge },
): Promise<void> {
  await client.linkForge(id, {
    forge: 'github',
    apiUrl: forge.url,
    project,
    token: 'a-token-of-the-forge',
    isUnchecked: true,
  })
}

test('STR-24: the forge is asked by account number whether an author was merged; without an answer the commit waits and says why', async () => {
  await using source = await gitRepository({ files: { 'narwhal.yml': FILE } })
  await using narwhal = await startUp({ userRequests: 'private' })
  const repository = await register(narwhal, source.path, { name: 'ada/asks' })
  const held = heldBy(repository.forge.id, 'ada/asks')
  await using forge = await authorForge(held)
  let number = 0
  const pull = async (authorId: number): Promise<PipelineView> => {
    const commit = await pullCommit(source, ++number, { stamp: `${number}` })
    held.requests.push({ number, authorId, sha: commit.sha })
    const of = { ...commit, authorId, headRepositoryId: 999 }
    const payload = pullRequestPayload(repository.forge, of)
    const { secret } = repository
    const { body } = await deliver(narwhal.agentUrl, { event: 'pull_request', payload, secret })
    return await settled(narwhal, (await pipelineOf(narwhal, body.eventId)).id)
  }
  // Without a token the forge can't be asked; the reason says what to do.
  assert.partialDeepStrictEqual((await pull(KNOWN)).approval, { because: 'forge_unasked' })
  await link(narwhal, { id: repository.id, project: 'ada/asks', forge })
  forge.override = (path) => (path.startsWith('/search') ? { status: 403 } : undefined)
  assert.partialDeepStrictEqual((await pull(KNOWN)).approval, {
    status: 'needed',
    for: 'run',
    because: 'forge_silent',
    words: 'it answered 403: the token may not read that',
  })
  forge.override = undefined
  assert.equal((await pull(KNOWN)).outcome, 'success')
  assert.partialDeepStrictEqual((await pull(NEW)).approval, { because: 'newcomer' })
  // It has the name of an author who was merged: names don't count.
  held.logins.set(KNOWN, 'renamed')
  held.logins.set(NEW + 1, 'known')
  assert.partialDeepStrictEqual((await pull(NEW + 1)).approval, { because: 'newcomer' })
})

test('STR-25: for a polled pull request the forge is asked for its author and base', async () => {
  const known = JSON.stringify({ jobs: { test: { steps: ['print known'] } } })
  await using source = await gitRepository({ files: { 'narwhal.yml': FILE } })
  await using narwhal = await startUp({ userRequests: 'private' })
  const { repository } = await narwhal.client.addRepository({
    name: 'ada/polled',
    cloneUrl: source.path,
    forge: 'github',
    pollIntervalMs: 1_000,
  })
  const held = heldBy(77, 'ada/polled')
  await using forge = await authorForge(held)
  await link(narwhal, { id: repository.id, project: 'ada/polled', forge })
  const pull = async (number: number, authorId: number, text = FILE): Promise<PipelineView> => {
    const base = await source.head()
    // Only then does its ref exist: the forge is asked at once.
    const sha = await source.commitAside({ 'narwhal.yml': text, stamp: `${number}` })
    held.requests.push({ number, authorId, sha, base })
    const ref = `refs/pull/${number}/head`
    await source.git('update-ref', ref, sha)
    const found = await eventually(async () => {
      const pipelines = await narwhal.client.listPipelines({ limit: 50 })
      return pipelines.find(({ event }) => event.ref === ref) ?? null
    })
    return await settled(narwhal, found.id)
  }
  const ran = await pull(1, KNOWN)
  assert.equal(ran.outcome, 'success')
  assert.equal(ran.event.stranger, 'polled_request')
  assert.deepEqual(ran.changed, { pipeline: [], others: ['stamp'], total: 1 })
  assert.partialDeepStrictEqual((await pull(2, KNOWN, known)).approval, {
    because: 'pipeline_files',
  })
  assert.partialDeepStrictEqual((await pull(3, NEW)).approval, { because: 'newcomer' })
})

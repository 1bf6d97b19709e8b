import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '#root/test/faults/seeded-random.ts'
import type { CommitEvent } from '../../core/commit-event.ts'
import type { OpenDatabase } from './fixtures.ts'
import { A, B, C, D, openTold } from './told-world.ts'

export function randomMovesContract(open: OpenDatabase): void {
  test('finds every move once, replayed and with deletions, in any order where the forge says when', async () => {
    await using world = await openTold(open)
    for (let seed = 1; seed <= 30; seed++) {
      await checkRandomMoves(world, seed, { hasStamps: true })
      await checkRandomMoves(world, seed, { hasStamps: false })
    }
  })
}

/** Moves a ref at random, tells of it, and counts what is built. */
async function checkRandomMoves(
  world: Awaited<ReturnType<typeof openTold>>,
  seed: number,
  { hasStamps }: { readonly hasStamps: boolean },
): Promise<void> {
  const random = new SeededRandom(seed)
  const ref = `refs/heads/${seed}-${hasStamps}`
  const moves = randomMoves(random)
  // Within a window of three, as deliveries are, some twice; replays without a time come later, too.
  const tellings = moves
    .flatMap((move, index) => {
      const first = { move, place: index + (hasStamps ? random.integer(0, 2) : 0) }
      const again = { move, place: index + random.integer(hasStamps ? 0 : 1, 3) }
      // A deletion told again is one of what was made again at the same commit, for all that it says.
      const isAgain = random.chance(0.3) && (hasStamps || move.sha !== '')
      return isAgain ? [first, again] : [first]
    })
    .sort((a, b) => a.place - b.place)
  const built = new Set<CommitEvent['id']>()
  for (const { move, place } of tellings) {
    const { before, sha, stamp } = move
    const found = moves[Math.min(place, moves.length - 1)]?.sha === sha ? 'here' : 'elsewhere'
    if (sha === '') {
      if (await world.gone(before, { ref })) await world.gone(before, { ref, found })
      continue
    }
    const told = { ref, before, ...(hasStamps ? { stamp } : {}) }
    const first = await world.accept(sha, told)
    const { event } = first.unsure ? await world.accept(sha, { ...told, found }) : first
    built.add(event.id)
  }
  const wanted = moves.filter(({ sha }) => sha !== '').length
  assert.equal(built.size, wanted, `seed ${seed}: ${JSON.stringify(tellings)}`)
}

function randomMoves(random: SeededRandom): { before: string; sha: string; stamp: string }[] {
  let at = ''
  return Array.from({ length: 12 }, (_, step) => {
    const others = [A, B, C, D].filter((sha) => sha !== at)
    const sha = at !== '' && random.chance(0.25) ? '' : (others[random.integer(0, 2)] ?? A)
    const move = { before: at, sha, stamp: String(step) }
    at = sha
    return move
  })
}

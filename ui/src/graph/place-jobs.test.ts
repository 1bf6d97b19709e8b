import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aJob } from '../../../test/support/cli/views.ts'
import { placeJobs } from './place-jobs.ts'

const jobs = [
  aJob('build', []),
  aJob('unit', [], { needs: ['build'] }),
  aJob('lint', [], { needs: ['build'] }),
  aJob('deploy', [], { needs: ['unit', 'lint', 'gone'] }),
]

for (const isNarrow of [false, true]) {
  const at = placeJobs(jobs, isNarrow)
  const nodeOf = (name: string) => {
    const node = at.nodes.find((one) => one.name === name)
    assert.ok(node, name)
    return node
  }
  const way = isNarrow ? 'downwards' : 'from left to right'

  test(`puts each job behind what it needs, ${way}`, () => {
    const depth = (name: string) => (isNarrow ? nodeOf(name).y : nodeOf(name).x)
    assert.ok(depth('build') < depth('unit'))
    assert.equal(depth('unit'), depth('lint'))
    assert.ok(depth('unit') < depth('deploy'))
  })

  test(`jobs overlap nowhere and none leaves the drawing, ${way}`, () => {
    const boxes = at.nodes.map(({ x, y }) => ({ x, y, right: x + at.nodeWidth, bottom: y + 40 }))
    for (const [index, one] of boxes.entries()) {
      assert.ok(one.x >= 0 && one.y >= 0 && one.right <= at.width && one.bottom <= at.height)
      for (const other of boxes.slice(index + 1)) {
        const isApart =
          one.right <= other.x ||
          other.right <= one.x ||
          one.bottom <= other.y ||
          other.bottom <= one.y
        assert.ok(isApart)
      }
    }
  })

  test(`draws an edge for each need that is there, from node to node, ${way}`, () => {
    assert.deepEqual(at.edges.map(({ from, to }) => `${from} ${to}`).sort(), [
      'build lint',
      'build unit',
      'lint deploy',
      'unit deploy',
    ])
    const [edge] = at.edges
    assert.ok(edge)
    const { x, y } = nodeOf(edge.from)
    const start = isNarrow ? `M${x + at.nodeWidth / 2},${y + 40}` : `M${x + at.nodeWidth},${y + 20}`
    assert.ok(edge.path.startsWith(start), edge.path)
  })
}

test('a pipeline without jobs has no size to speak of', () => {
  assert.deepEqual(placeJobs([], false).nodes, [])
})

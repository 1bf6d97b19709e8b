import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findForeignExpression } from './foreign-expressions.ts'

test('names what to write instead of an expression of another system', () => {
  const instead = (text: string) => {
    const { what, inCommand, inEnv } = findForeignExpression(text) ?? {}
    return [what, inCommand, inEnv]
  }
  assert.deepEqual(instead('node ${{ matrix.node-version }}'), [
    '${{ matrix.node-version }}',
    '"$NARWHAL_MATRIX_NODE_VERSION"',
    '${matrix.node-version}',
  ])
  assert.deepEqual(instead('${{github.ref_name}}')[1], '"$NARWHAL_REF_NAME"')
  assert.deepEqual(instead('${{ inputs.level }}')[1], '"$NARWHAL_INPUT_LEVEL"')
  assert.deepEqual(instead('${{ env.HOME }}')[1], '"$HOME"')
  assert.deepEqual(instead('${{ needs.build.outputs.tag }}')[2], '${needs.build.outputs.tag}')
  assert.match(instead('${{ secrets.KEY }}')[1] ?? '', /^"\$KEY", with the secret listed/)
  for (const other of ['${{ github.event.number }}', '${{ 1 + 1 }}', '${{', '${{ toJSON(x) }}']) {
    assert.equal(instead(other)[1], 'a variable', other)
  }
  assert.equal(findForeignExpression('${matrix.node} $x {{ y }}'), undefined)
})

import { useEffect, useState } from 'react'
import type { PipelineView } from '../../../../src/contract/rest/views.ts'
import { call } from '../../api.ts'
import { ErrorNotice, Loading } from '../../parts/notices.tsx'

/** The configuration that was run: narwhal.yml with all defaults. */
export function UsedConfig({ pipeline }: { readonly pipeline: PipelineView }) {
  const [yaml, setYaml] = useState<string>()
  const [error, setError] = useState<Error>()
  useEffect(() => {
    const leaving = new AbortController()
    call('getUsedConfig', { params: { pipeline: pipeline.id } }, leaving.signal).then(
      (answer) => setYaml(answer.yaml),
      (reason: unknown) => {
        if (!leaving.signal.aborted && reason instanceof Error) setError(reason)
      },
    )
    return () => leaving.abort()
  }, [pipeline.id, pipeline.status])
  if (error) return <ErrorNotice error={error} />
  if (yaml === undefined) return <Loading />
  return (
    <pre className="config" tabIndex={0} aria-label="Configuration">
      <code>{yaml}</code>
    </pre>
  )
}

import { useState } from 'react'
import { call } from '../../api.ts'
import { useRead } from '../../hooks/use-read.ts'
import { CommandButton } from '../../parts/command-button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { ErrorNotice, Loading } from '../../parts/notices.tsx'
import { Link, navigate } from '../../router.tsx'
import { formatFilter } from '../../state/pipeline-filter.ts'
import { StartDialog } from '../pipelines/start-dialog.tsx'
import { Trends } from '../pipelines/trends.tsx'
import { Deliveries } from './deliveries.tsx'
import { ForgeRefusal } from './forge-refusal.tsx'
import { OriginSettings } from './origin-settings.tsx'
import { Secrets } from './secrets.tsx'
import { StrangerRules } from './stranger-rules.tsx'
import { WebhookHelp } from './webhook-help.tsx'

/** The trends and settings of one repository. */
export function RepositoryPage({ name }: { readonly name: string }) {
  const params = { repository: name }
  const { answer: repository, error } = useRead('getRepository', { params })
  const { answer: trends } = useRead('listTrends', { params })
  const [isStarting, setStarting] = useState(false)
  const [isRemoving, setRemoving] = useState(false)
  if (!repository) return error ? <ErrorNotice error={error} /> : <Loading />
  return (
    <>
      <title>{`${repository.name} · Narwhal`}</title>
      <p className="small">
        <Link to="/repositories">Repositories</Link>
      </p>
      <div className="page-head">
        <h1>{repository.name}</h1>
        <div className="commands">
          <Link to={`/${formatFilter({ repository: repository.name })}`} className="button">
            View pipelines
          </Link>
          <button type="button" onClick={() => setStarting(true)}>
            Start pipeline
          </button>
        </div>
      </div>
      {isStarting ? (
        <StartDialog repositories={[repository.name]} onClose={() => setStarting(false)} />
      ) : null}
      <ForgeRefusal repository={repository} />
      {trends ? <Trends points={trends.points} /> : <Loading />}
      <h2 className="section-head">Settings</h2>
      <div className="columns">
        <section className="panel padded">
          <h2>Triggers</h2>
          <WebhookHelp repository={repository} webhook={undefined} />
        </section>
        <Deliveries repositoryId={repository.id} />
        <OriginSettings repository={repository} />
        <StrangerRules repository={repository} />
        <Secrets repositoryId={repository.id} />
        <section className="panel padded">
          <h2>Remove repository</h2>
          <p className="quiet">
            No new pipelines are created for it. Existing ones stay readable for seven days.
          </p>
          <p className="form">
            <span>
              <button type="button" className="danger" onClick={() => setRemoving(true)}>
                Remove repository
              </button>
            </span>
          </p>
        </section>
      </div>
      {isRemoving ? (
        <Dialog title={`Remove ${repository.name}?`} onClose={() => setRemoving(false)}>
          <div className="form">
            <p>It is no longer polled, and its webhooks are rejected.</p>
            <div className="commands">
              <button type="button" onClick={() => setRemoving(false)}>
                Keep
              </button>
              <CommandButton
                needs="admin"
                run={async () => {
                  await call('removeRepository', { params: { repository: repository.id } })
                  navigate('/repositories')
                }}
              >
                Remove
              </CommandButton>
            </div>
          </div>
        </Dialog>
      ) : null}
    </>
  )
}

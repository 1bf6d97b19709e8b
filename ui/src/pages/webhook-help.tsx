import { useState } from 'react'
import type { RegisteredRepository } from '../../../src/contract/rest.ts'
import type { TestedDelivery } from '../../../src/contract/rest-insights.ts'
import type { RepositoryView } from '../../../src/contract/views.ts'
import { postJson } from '../api.ts'
import { CommandButton } from '../parts/command-button.tsx'
import { Copyable } from '../parts/copyable.tsx'

export interface WebhookHelpProps {
  readonly repository: RepositoryView
  /** With the secret; only right after it was registered. */
  readonly webhook: RegisteredRepository['webhook']
}

const PATH = '/webhooks/github'

/** How a repository's forge is made to tell of commits, and a delivery to try it. */
export function WebhookHelp({ repository, webhook }: WebhookHelpProps) {
  if (repository.forge !== 'github') return <Polled repository={repository} />
  return (
    <div className="form">
      <p>
        At GitHub, in the repository’s <strong>Settings → Webhooks → Add webhook</strong>, enter:
      </p>
      <dl className="details webhook">
        <div>
          <dt>Payload URL</dt>
          <dd>
            <Copyable text={location.origin + (webhook?.path ?? PATH)} label="the URL" />
          </dd>
        </div>
        <div>
          <dt>Content type</dt>
          <dd>
            <code>application/json</code>
          </dd>
        </div>
        <div>
          <dt>Secret</dt>
          <dd>
            {webhook ? (
              <>
                <Copyable text={webhook.secret} label="the secret" />
                <small className="quiet">It is shown this once.</small>
              </>
            ) : (
              <span>
                It was shown when the repository was added. Lost it? Remove the repository here and
                add it again.
              </span>
            )}
          </dd>
        </div>
        <div>
          <dt>Events</dt>
          <dd>Pushes, pull requests, branch or tag creation</dd>
        </div>
      </dl>
      <p className="quiet small">
        Where agents stand apart, or GitHub reaches Narwhal under another name, the URL is that
        one’s.
      </p>
      <TestDelivery repository={repository} />
    </div>
  )
}

function Polled({ repository }: { readonly repository: RepositoryView }) {
  const seconds = repository.pollIntervalMs / 1000
  return (
    <div className="form">
      <p>
        {seconds > 0
          ? `Narwhal looks for new commits every ${seconds < 60 ? `${seconds} seconds` : `${seconds / 60} min`}; nothing has to be entered at the forge.`
          : 'It is not looked at: start its pipelines by hand or by the API.'}
      </p>
      <p>
        Is that too slow? Have the forge’s hook start the pipeline at once: a webhook or a script at
        GitLab, Gitea, Forgejo or Bitbucket that calls
      </p>
      <Copyable
        label="the command"
        text={`./narwhal pipeline start ${repository.name} --server ${location.origin} --ref main`}
      />
    </div>
  )
}

function TestDelivery({ repository }: { readonly repository: RepositoryView }) {
  const [url, setUrl] = useState(location.origin + PATH)
  const [tested, setTested] = useState<TestedDelivery>()
  const test = async () => {
    setTested(undefined)
    const path = `/repositories/${repository.id}/test-delivery`
    setTested(await postJson<TestedDelivery>(path, { url }))
  }
  return (
    <div className="form test-delivery">
      <label>
        Test delivery to
        <input type="url" value={url} onChange={(event) => setUrl(event.target.value)} />
      </label>
      <p>
        <CommandButton run={test}>Send a test delivery</CommandButton>
      </p>
      {tested ? (
        <p className={`notice ${tested.ok ? 'is-good' : 'is-error'}`} role="status">
          {tested.ok ? 'It works: ' : 'Not yet: '}
          {tested.words}
        </p>
      ) : null}
    </div>
  )
}

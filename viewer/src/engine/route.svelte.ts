/** Where in the page one is: the part of the address after #, which never leaves the browser. */

let hash = $state(location.hash)

addEventListener('hashchange', () => {
  hash = location.hash
})

export type Place =
  | { name: 'jobs' }
  | { name: 'new'; from: string }
  | { name: 'job'; jobId: string }
  | { name: 'shared'; path: string }

export function place(): Place {
  const [name = '', ...rest] = hash.replace(/^#\/?/, '').split('/')
  if (name === 'new') return { name: 'new', from: rest[0] ?? '' }
  if (name === 'job' && rest[0]) return { name: 'job', jobId: rest[0] }
  if (name === 'shared') return { name: 'shared', path: `/${rest.join('/')}` }
  return { name: 'jobs' }
}

export function go(to: string): void {
  location.hash = to
}

// What users of axios-redmine and node-redmine do with them: node script.js LIBRARY <plan, where the plan is JSON with
// `base` and `people` (name -> options of the library; `query`: what is added to each read's parameters). A plan that is
// `brief` has few reads. Each outcome is a line: [who, what, outcome].
'use strict'

const library = process.argv[2]
const Redmine = require(library)

// One way to call both: axios-redmine gives promises, node-redmine takes callbacks.
async function call (client, method, ...args) {
  if (library === 'axios-redmine') {
    const answer = await client[method](...args)
    return { status: answer.status, data: answer.data }
  }
  return new Promise((resolve, reject) => {
    client[method](...args, (error, data) => error ? reject(error) : resolve({ data }))
  })
}

// An error of Redmine's as what the library's user sees of it.
function told (error) {
  if (typeof error === 'string') return JSON.parse(error)
  if (error.response) return { status: error.response.status, data: error.response.data }
  return { error: error.code || error.message }
}

const reads = [
  ['issues', { limit: 5, status_id: '*' }],
  ['issues', { limit: 20, offset: 100, sort: 'id' }],
  ['get_issue_by_id', 1, { include: 'journals,attachments,relations' }],
  ['get_issue_by_id', 3, {}],
  ['get_issue_by_id', 999999, {}],
  ['projects', { limit: 100 }],
  ['get_project_by_id', 1, { include: 'trackers' }],
  ['time_entries', { limit: 5 }],
  ['users', { limit: 3 }],
  ['current_user', {}],
  ['news', { limit: 3 }]
]

const fewReads = [
  ['current_user', {}],
  ['issues', { limit: 5, status_id: '*' }],
  ['get_issue_by_id', 2, {}],
  ['get_issue_by_id', 1, {}]
]

async function tell (who, client, method, ...args) {
  let outcome
  try {
    outcome = await call(client, method, ...args)
  } catch (error) {
    outcome = told(error)
  }
  console.log(JSON.stringify([who, [method, ...args], outcome]))
  return outcome
}

// An issue's life, each step read back at once.
async function write (who, client, project) {
  const made = await tell(who, client, 'create_issue', { issue: { project_id: project, subject: 'from Node', priority_id: 2 } })
  const id = made.data && made.data.issue && made.data.issue.id
  if (!id) return
  await tell(who, client, 'get_issue_by_id', id, {})
  await tell(who, client, 'update_issue', id, { issue: { subject: 'changed from Node', notes: 'why' } })
  await tell(who, client, 'get_issue_by_id', id, { include: 'journals' })
  await tell(who, client, 'issues', { limit: 2, status_id: '*' })
  await tell(who, client, 'delete_issue', id)
  await tell(who, client, 'get_issue_by_id', id, {})
  await tell(who, client, 'issues', { limit: 2, status_id: '*' })
}

async function main (plan) {
  const asked = plan.brief ? fewReads : reads
  for (const [who, { query, ...options }] of Object.entries(plan.people)) {
    const client = new Redmine(plan.base, options)
    for (const [method, ...args] of [...asked, ...asked]) {
      const parameters = args.pop()
      await tell(who, client, method, ...args, { ...parameters, ...query })
    }
    if (plan.writers.includes(who)) await write(who, client, 1)
  }
}

let text = ''
process.stdin.on('data', part => { text += part }).on('end', () => main(JSON.parse(text)))

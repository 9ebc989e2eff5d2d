// The official inspector's command line: a new process for every call, as a
// person or a script would use it.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

import { binary, ends, environment, Place, Server } from './bridge.mjs'

const program = fileURLToPath(new URL('../node_modules/.bin/mcp-inspector', import.meta.url))
const limit = 60_000 // ms, of one call
const token = 'interop-inspector-0123456789'

// The ways in. A start takes about a second: all tools are called on one way,
// on the others they are listed and one is called.
const stdio = place => [binary, 'stdio', '-e', `AGENTBRIDGE_DB=${place.db}`]
const ways = [
	{ name: 'mcp', target: (_, url) => [`${url}/mcp`, '--transport', 'http', '--protocol-era', 'auto'], all: true, stranger: true },
	{ name: 'mcp, legacy', target: (_, url) => [`${url}/mcp`, '--transport', 'http', '--protocol-era', 'legacy'] },
	{ name: 'sse', target: (_, url) => [`${url}/sse`, '--transport', 'sse'], stranger: true },
	{ name: 'stdio', target: stdio, local: true },
	{ name: 'stdio, modern', target: place => [...stdio(place), '--protocol-era', 'modern'], local: true },
]
const bearer = text => ['--header', `Authorization: Bearer ${text}`]

describe('the inspector', { concurrency: ways.length }, () => {
	let place, server

	before(async () => {
		place = new Place()
		server = await Server.start(place, { args: ['--auth-token-file', place.file('token', token)] })
	})
	after(async () => {
		try {
			await server?.stop()
		} finally {
			place.remove()
		}
	})

	for (const way of ways) {
		const inspector = () => new Inspector(place, way.name, [...way.target(place, server.url), ...way.local ? [] : bearer(token)])
		if (way.all) it(`${way.name}: every tool`, () => walk(inspector()))
		else it(`${way.name}: the tools, and one of them`, () => look(inspector()))
		if (way.stranger) it(`${way.name}: a wrong token does not admit`, async () => {
			const stranger = new Inspector(place, way.name, [...way.target(place, server.url), ...bearer('wrong'), '--stored-auth-only'])
			const { code, stderr } = await stranger.run('--method', 'tools/list')
			assert.notEqual(code, 0)
			assert.match(stderr, /401|[Uu]nauthori[sz]ed|auth_required/)
		})
	}
})

// Inspector calls one server in one way.
class Inspector {
	constructor(place, name, target) {
		Object.assign(this, { place, name, target, used: new Set() })
	}

	// run starts the program once and returns what it printed and its exit code.
	run(...args) {
		return new Promise(resolve => {
			// What was compiled for one call is there for the next: starting is most of the work.
			const env = environment(this.place, { NODE_COMPILE_CACHE: join(this.place.dir, 'compiled') })
			const options = { env, timeout: limit, killSignal: 'SIGKILL', maxBuffer: 1 << 24 }
			const command = [program, '--cli', ...this.target, ...args]
			ends(execFile(process.execPath, command, options,
				(err, stdout, stderr) => resolve({ code: err ? err.code ?? err.signal : 0, stdout, stderr })))
		})
	}

	// list returns the names of the tools. Their schemas must do for every client.
	async list() {
		const { code, stdout, stderr } = await this.run('--method', 'tools/list', '--strict')
		assert.equal(code, 0, stderr)
		return JSON.parse(stdout).tools.map(tool => tool.name)
	}

	// call wants a tool to succeed and returns its structured content.
	async call(tool, args = {}) {
		const { code, stdout, stderr } = await this.run('--method', 'tools/call', '--tool-name', tool, '--tool-args-json', JSON.stringify(args))
		assert.equal(code, 0, `${this.name}: ${tool}: ${stderr}`)
		this.used.add(tool)
		return JSON.parse(stdout).structuredContent
	}
}

async function look(inspector) {
	assert.notEqual((await inspector.list()).length, 0)
	const sent = await inspector.call('bridge_send', { channel: 'inspector:look', sender: 'inspector', content: inspector.name })
	assert.match(sent.id, /./)
}

async function walk(inspector) {
	const names = await inspector.list()
	await channel(inspector, `inspector:${inspector.name}`)
	await conversation(inspector)
	assert.deepEqual(names.filter(name => !inspector.used.has(name)), [], 'these were not called')
}

async function channel(inspector, channel) {
	// Once with arguments as a person types them.
	const typed = ['--method', 'tools/call', '--tool-name', 'bridge_send', '--tool-arg', `channel=${channel}`, 'sender=inspector', 'content=hello there']
	const { code, stdout, stderr } = await inspector.run(...typed)
	assert.equal(code, 0, stderr)
	const first = JSON.parse(stdout).structuredContent
	const message = { schema_version: 1, type: 'note', content: { ok: true } }
	const second = await inspector.call('bridge_send', { channel, sender: 'inspector', message })

	const reader = { channel, consumer_id: 'inspector' }
	const page = await inspector.call('bridge_receive', reader)
	assert.deepEqual(page.messages.map(m => m.id), [first.id, second.id])
	await inspector.call('bridge_ack', { ...reader, message_id: first.id })
	assert.equal((await inspector.call('bridge_wait', { ...reader, timeout_seconds: 1 })).messages.length, 1)
	const { channels } = await inspector.call('bridge_channels')
	assert.ok(channels.some(c => c.channel === channel))
	assert.equal((await inspector.call('bridge_ping')).service, 'agentbridge')
	await inspector.call('bridge_status', { per_channel: 1 })
	assert.equal((await inspector.call('bridge_clear', { channel })).cleared, 2)
}

// conversation plays both sides. Where the bridge keeps a joiner's token, it is
// gone with the process of the call, and the creator's answer has both.
async function conversation(inspector) {
	const made = await inspector.call('create_conversation', { my_role: 'developer', partner_role: 'reviewer' })
	const joined = await inspector.call('join_conversation', { invite: made.invite })
	const { conversation_id } = made
	const a = { conversation_id, session_id: 'a', token: made.session_a_token }
	const b = { conversation_id, session_id: 'b', token: joined.session_b_token ?? made.session_b_token }
	const sent = await inspector.call('send_to_partner', { ...a, message: 'ready?' })
	await inspector.call('update_my_status', { ...b, status: 'waiting' })
	assert.equal((await inspector.call('check_partner_status', a)).unread_by_partner, 1)
	const inbox = await inspector.call('check_messages', b)
	assert.deepEqual(inbox.messages.map(m => m.id), [sent.message_id])
}

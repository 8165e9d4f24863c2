"""A file store that other people wrote (@copilotkit/aimock), in a process of its own."""
import json
import os
import re
import shutil
import subprocess
import urllib.request

from rig import BUILD, need, until


def node():
    ours = os.environ.get('SLUICE_NODE', '')
    program = ours if os.access(ours, os.X_OK) else shutil.which('node')
    need(program, 'node is not installed')
    return program


class Aimock:
    def __init__(self, at):
        cli = os.path.join(BUILD, 'node/node_modules/@copilotkit/aimock/dist/cli.js')
        need(os.path.exists(cli), f'{cli} is not installed')
        fixtures, self.log = os.path.join(at, 'fixtures.json'), os.path.join(at, 'aimock.log')
        with open(fixtures, 'w') as f:
            json.dump({'fixtures': [{'match': {'userMessage': 'x'}, 'response': {'content': 'x'}}]}, f)
        with open(self.log, 'w') as log:
            self.proc = subprocess.Popen([node(), cli, '--host', '127.0.0.1', '--port', '0', '--fixtures', fixtures],
                                         stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.url = until(self.listening, lambda: 'aimock does not listen: ' + open(self.log).read()[-300:])

    def listening(self):
        need(self.proc.poll() is None, lambda: 'aimock ended: ' + open(self.log).read()[-300:])
        with open(self.log) as f:
            found = re.search(r'listening on (http://\S+)', f.read())
        return found and found.group(1)

    def ask(self, path, method='GET', body=None, kind='application/json'):
        q = urllib.request.Request(self.url + path, data=body, method=method, headers={'Content-Type': kind} if body else {})
        with urllib.request.urlopen(q, timeout=30) as answer:
            return answer.read()

    def upload(self, name, content, purpose='user_data'):
        part = (f'--edge-of-part\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n{purpose}\r\n--edge-of-part\r\n'
                f'Content-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: application/octet-stream\r\n\r\n')
        body = part.encode() + content + b'\r\n--edge-of-part--\r\n'
        return json.loads(self.ask('/v1/files', 'POST', body, 'multipart/form-data; boundary=edge-of-part'))

    def journal(self):
        answer = json.loads(self.ask('/__aimock/journal?service=files&limit=100000'))
        return answer if isinstance(answer, list) else answer['entries']

    def ids(self):
        listed = json.loads(self.ask('/v1/files?limit=10000'))
        need(not listed['has_more'], 'aimock lists no more than a page')
        return {f['id'] for f in listed['data']}

    def post(self, path, **body):
        return json.loads(self.ask(path, 'POST', json.dumps(body).encode()))

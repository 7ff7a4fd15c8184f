# frozen_string_literal: true

require 'digest'
require 'json'

# Appends one JSON line for each request that Redmine was asked, before the answer's first byte is sent: whoever has the
# answer can count on the line. A credential appears as the name of what carried it and a short digest, never itself.
class RequestLog
  CREDENTIAL_HEADERS = {
    'HTTP_X_REDMINE_API_KEY' => 'X-Redmine-API-Key',
    'HTTP_AUTHORIZATION' => 'Authorization',
    'HTTP_X_REDMINE_SWITCH_USER' => 'X-Redmine-Switch-User',
    'HTTP_COOKIE' => 'Cookie'
  }.freeze
  CREDENTIAL_PARAMETER = /(?<=\A|[&;])(key|access_token|bearer_token)=([^&;]*)/.freeze

  def initialize(app, path)
    @app = app
    @path = path
  end

  def call(env)
    started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    status, headers, body = @app.call(env)
    append(env, status, Process.clock_gettime(Process::CLOCK_MONOTONIC) - started)
    [status, headers, body]
  rescue StandardError, NotImplementedError
    append(env, 500, Process.clock_gettime(Process::CLOCK_MONOTONIC) - started)
    raise
  end

  private

  def append(env, status, seconds)
    line = JSON.generate(describe(env, status, seconds)) << "\n"
    # One write to a file opened for appending is whole, also beside other threads and processes.
    File.open(@path, File::WRONLY | File::APPEND | File::CREAT, 0o600) { |file| file.syswrite(line) }
  end

  def describe(env, status, seconds)
    path, query = env['REQUEST_URI'].to_s.scrub.split('?', 2)
    {
      'method' => env['rack.methodoverride.original_method'] || env['REQUEST_METHOD'],
      'path' => path,
      'query' => query && query.gsub(CREDENTIAL_PARAMETER) { "#{$1}=#{digest($2)}" },
      'status' => status.to_i,
      'credentials' => credentials(env, query),
      'headers' => header_names(env),
      'host' => env['HTTP_HOST'],
      'version' => env['SERVER_PROTOCOL'],
      'body' => env['CONTENT_LENGTH'].to_i,
      'ms' => (seconds * 1000).round(1)
    }
  end

  def credentials(env, query)
    found = {}
    query.to_s.scan(CREDENTIAL_PARAMETER) { |name, value| found["?#{name}"] = digest(value) }
    CREDENTIAL_HEADERS.each { |variable, name| found[name] = digest(env[variable]) if env[variable] }
    found
  end

  def header_names(env)
    env.keys.grep(/\A(HTTP_|CONTENT_)/).reject { |name| name == 'HTTP_VERSION' }
       .map { |name| name.delete_prefix('HTTP_').downcase.tr('_', '-') }.sort
  end

  def digest(value)
    Digest::SHA256.hexdigest(value.to_s)[0, 12]
  end
end

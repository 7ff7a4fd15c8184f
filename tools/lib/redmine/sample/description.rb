# frozen_string_literal: true

require 'json'

module Sample
  # What a test may rely on, for programs (JSON) and for the shell.
  module Description
    class << self
      def write(folder)
        File.write(File.join(folder, 'sample.json'), JSON.pretty_generate(content) + "\n")
        File.write(File.join(folder, 'sample.env'), People::LOGINS.keys.map do |login|
          "REDMINE_KEY_#{login.upcase}=#{People.secret('api', login)}\n"
        end.join)
      end

      private

      def content
        logins = People::LOGINS.keys
        {
          'keys' => logins.to_h { |login| [login, People.secret('api', login)] },
          'feed_keys' => logins.to_h { |login| [login, People.secret('feeds', login)] },
          'passwords' => logins.to_h { |login| [login, People.password(login)] },
          'users' => logins.to_h { |login| [login, People.id(login)] },
          'projects' => Projects::LIST.to_h { |project| [project.identifier, project.id] },
          'issues' => { 'public' => 1, 'private' => 2, 'secret_project' => 3, 'private_note' => 4, 'closed' => 5, 'child' => 6,
                        'closed_project' => 8, 'private_of_rita' => 9, 'odd_characters' => 10, 'blocked' => 11, 'bare' => 12 },
          'queries' => { 'public' => IssueQuery.find_by!(:name => 'Open bugs of Atlas').id, 'dora' => IssueQuery.find_by!(:name => 'For Dora only').id },
          'attachments' => Papers.attachments,
          'counts' => { 'issues' => Issue.count, 'journals' => Journal.count, 'time_entries' => TimeEntry.count,
                        'users' => User.where(:type => 'User').count, 'projects' => Project.count },
          'now' => NOW.iso8601
        }
      end
    end
  end
end

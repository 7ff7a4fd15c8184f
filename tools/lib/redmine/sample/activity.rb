# frozen_string_literal: true

module Sample
  # What happened to the issues: journals, relations, watchers, time entries.
  module Activity
    TIME_ENTRIES = 2000
    NOTES = ['Cannot reproduce.', "Seen again on *staging*.\n\nSee #1.", 'Works since yesterday & still does.', 'Übernommen.',
             '了解しました。', 'Please look at <pre>the log</pre>.', '+1'].freeze

    class << self
      def load
        @random = Sample.chance('activity')
        journals
        relations
        watchers
        time_entries
      end

      private

      def pick(list)
        list[@random.rand(list.size)]
      end

      def someone(issue)
        People.id(pick(Projects.team(Projects.row(issue[:project_id])).values.flatten))
      end

      def journals
        journals = []
        details = []
        Issues.rows.each_value do |issue|
          ([1, 4].include?(issue[:id]) ? 2 : @random.rand(4)).times do |nth|
            at = issue[:created_on] + (nth + 1) * 5000 + @random.rand(3000)
            private_note = issue[:id] == 4 ? nth == 1 : @random.rand < 0.04
            journals << { :id => journals.size + 1, :journalized_type => 'Issue', :journalized_id => issue[:id], :user_id => someone(issue),
                          :notes => private_note ? 'For the team only.' : pick(NOTES), :private_notes => private_note, :created_on => at }
            details << detail(journals.size, issue) if @random.rand < 0.6
            issue[:updated_on] = at
          end
        end
        Sample.say "journals: #{journals.size}"
        Sample.insert(Journal, journals)
        Sample.insert(JournalDetail, details)
        touch
      end

      def detail(journal_id, issue)
        property, from, to = pick([['status_id', 1, 2], ['done_ratio', 0, 10 * (1 + @random.rand(9))], ['priority_id', 2, 3],
                                   ['assigned_to_id', nil, someone(issue)]])
        { :journal_id => journal_id, :property => 'attr', :prop_key => property, :old_value => from && from.to_s, :value => to.to_s }
      end

      # updated_on of every issue becomes the time of its last journal, in one statement.
      def touch
        Issue.connection.execute(
          "UPDATE issues SET updated_on = coalesce((SELECT max(created_on) FROM journals " \
          "WHERE journalized_type = 'Issue' AND journalized_id = issues.id), updated_on)"
        )
      end

      def relations
        pairs = [[1, 11, 'blocks'], [1, 5, 'relates']]
        Issues.rows.values.drop(20).group_by { |issue| issue[:project_id] }.each_value do |issues|
          issues.each_slice(20) do |slice|
            next if slice.size < 2 || slice[0][:root_id] == slice[1][:root_id]

            pairs << [slice[0][:id], slice[1][:id], pick(%w[relates duplicates blocks precedes])]
          end
        end
        Sample.insert(IssueRelation, pairs.map do |from, to, type|
          { :issue_from_id => from, :issue_to_id => to, :relation_type => type, :delay => type == 'precedes' ? 2 : nil }
        end)
      end

      def watchers
        rows = Issues.rows.values.select { |issue| issue[:id] <= 2 || (issue[:id] % 8).zero? }.flat_map do |issue|
          [someone(issue), someone(issue)].uniq.map do |user|
            { :watchable_type => 'Issue', :watchable_id => issue[:id], :user_id => user }
          end
        end
        Sample.insert(Watcher, rows)
      end

      def time_entries
        Sample.say "time entries: #{TIME_ENTRIES}"
        rows = (1..TIME_ENTRIES).map do |id|
          issue = id <= 3 ? Issues.rows[1] : Issues.rows[1 + @random.rand(Issues::COUNT)]
          day = issue[:start_date] + @random.rand(20)
          user = someone(issue)
          { :id => id, :project_id => issue[:project_id], :issue_id => issue[:id], :user_id => user, :author_id => user,
            :hours => 0.25 * (1 + @random.rand(32)), :comments => pick(NOTES)[0, 40], :activity_id => pick([8, 9]), :spent_on => day,
            :tyear => day.year, :tmonth => day.month, :tweek => day.cweek,
            :created_on => issue[:created_on] + id, :updated_on => issue[:created_on] + id }
        end
        Sample.insert(TimeEntry, rows)
      end
    end
  end
end

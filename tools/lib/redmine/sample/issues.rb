# frozen_string_literal: true

module Sample
  # The issues themselves. The first dozen are written by hand, for tests to point at; the rest is drawn.
  module Issues
    COUNT = 3000
    SPAN = 290 * DAY # from the first issue to the last
    STATUSES = [1, 1, 1, 2, 2, 3, 4, 5, 5, 6].freeze
    CLOSED = [5, 6].freeze
    PRIORITIES = [1, 2, 2, 2, 3, 4, 5].freeze
    WEIGHTS = { 1 => 8, 2 => 5, 5 => 5, 3 => 2, 10 => 2, 9 => 1, 8 => 1 }.freeze # other projects: 2
    DOES = %w[Cache Render Import Export Rename Paginate Throttle Sort Index Translate Archive Colour].freeze
    WHAT = ['the list of issues', 'time entries', 'the wiki sidebar', 'attachments over 1 MiB', 'the project menu', 'e-mail digests',
            'search results', 'the Gantt chart', 'custom fields', 'CSV files', 'watchers', 'the calendar'].freeze
    WHY = ['when nobody is logged in', 'on slow disks', 'for Überlauf & Söhne', 'after 2023-12-31', 'in <pre> blocks',
           'ページごとに', 'twice a day', 'without a trace'].freeze

    # id => what is special; the project is 1 and the author admin unless said
    BY_HAND = {
      1  => { :subject => 'Cache the list of issues' },
      2  => { :subject => 'A private issue', :is_private => true },
      3  => { :subject => 'An issue of a private project', :project => 3, :author => 'marc' },
      4  => { :subject => 'An issue with a private note', :author => 'dora' },
      5  => { :subject => 'A closed issue', :status => 5 },
      6  => { :subject => 'First child', :parent => 1 },
      7  => { :subject => 'Second child', :parent => 1 },
      8  => { :subject => 'An issue of a closed project', :project => 8 },
      9  => { :subject => "A reporter's private issue", :author => 'rita', :is_private => true },
      10 => { :subject => "Odd characters: <b>&amp;</b> \"quoted\" \\ \u2028 äöü 日本語 🎉" },
      11 => { :subject => 'Blocked by the first', :author => 'dave', :assigned => 'dora' },
      12 => { :subject => 'Without anything', :author => 'rosa' }
    }.freeze

    class << self
      # Rows as inserted, by id: other parts ask them for project, author and times.
      attr_reader :rows

      def load
        Sample.say "issues: #{COUNT}"
        @random = Sample.chance('issues')
        @lottery = Projects::LIST.flat_map { |project| [project] * WEIGHTS.fetch(project.id, 2) }
        @rows = (1..COUNT).to_h { |id| [id, issue(id)] }
        families
        Sample.insert(Issue, @rows.values)
        custom_values
      end

      def pick(list)
        list[@random.rand(list.size)]
      end

      private

      def issue(id)
        special = BY_HAND.fetch(id, {})
        project = special[:project] ? Projects.row(special[:project]) : (BY_HAND.key?(id) ? Projects.row(1) : pick(@lottery))
        author, assigned = people(project, special, id)
        status = special.fetch(:status) { BY_HAND.key?(id) ? 1 : pick(STATUSES) }
        created = NOW - SPAN - DAY + SPAN * id / COUNT + Rational(@random.rand(1_000_000), 1_000_000)
        nth = @random.rand(Projects::VERSIONS.size + 1)
        {
          :id => id, :project_id => project.id, :tracker_id => 1 + @random.rand(3), :status_id => status, :priority_id => pick(PRIORITIES),
          :subject => special.fetch(:subject) { "#{pick(DOES)} #{pick(WHAT)} #{pick(WHY)}" },
          :description => description(id), :author_id => author, :assigned_to_id => assigned,
          :category_id => @random.rand < 0.4 ? Projects.category_id(project, @random.rand(Projects::CATEGORIES.size)) : nil,
          :fixed_version_id => nth < Projects::VERSIONS.size ? Projects.version_id(project, nth) : nil,
          :is_private => special.fetch(:is_private) { !BY_HAND.key?(id) && @random.rand < 0.03 },
          :start_date => created.to_date, :due_date => @random.rand < 0.5 ? created.to_date + @random.rand(60) : nil,
          :done_ratio => CLOSED.include?(status) ? 100 : 10 * @random.rand(10),
          :estimated_hours => @random.rand < 0.6 ? 0.25 * (1 + @random.rand(80)) : nil,
          :created_on => created, :updated_on => created, :closed_on => CLOSED.include?(status) ? created + DAY : nil,
          :lock_version => 0, :parent_id => nil, :root_id => id, :lft => 1, :rgt => 2
        }
      end

      def people(project, special, id)
        team = Projects.team(project)
        author = special[:author] || (BY_HAND.key?(id) ? 'admin' : pick(team.values.flatten + %w[admin olga]))
        assigned = special[:assigned] || (!BY_HAND.key?(id) && @random.rand < 0.7 ? pick(team[:developer] + team[:manager]) : nil)
        [People.id(author), assigned && People.id(assigned)]
      end

      def description(id)
        return nil if id == 12

        "h2. Seen\n\n#{pick(DOES)} fails #{pick(WHY)}.\n\n" +
          Array.new(1 + @random.rand(5)) { "* #{pick(DOES).downcase} #{pick(WHAT)} #{pick(WHY)}\n" }.join
      end

      # Children follow their parent's id and lie in its project; the nested set of each family is numbered here.
      def families
        parents = { 1 => [6, 7] }
        (25..COUNT - 5).step(25) { |id| parents[id] = ((id + 1)..(id + 1 + @random.rand(3))).to_a }
        parents.each do |id, children|
          mother = @rows[id]
          mother.merge!(:lft => 1, :rgt => 2 + 2 * children.size)
          children.each_with_index do |child, nth|
            @rows[child].merge!(:parent_id => id, :root_id => id, :lft => 2 + 2 * nth, :rgt => 3 + 2 * nth,
                                :project_id => mother[:project_id], :category_id => nil, :fixed_version_id => nil)
          end
        end
      end

      def custom_values
        values = @rows.values.flat_map do |row|
          [[1, %w[cosmetic minor major critical][@random.rand(4)]], [2, "Customer #{1 + @random.rand(40)}"],
           [3, row[:start_date].to_s]].map do |field, value|
            { :customized_type => 'Issue', :customized_id => row[:id], :custom_field_id => field, :value => value }
          end
        end
        Sample.insert(CustomValue, values)
      end
    end
  end
end

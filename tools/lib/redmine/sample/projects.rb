# frozen_string_literal: true

module Sample
  # Projects of every kind, who works in them, their versions and categories, and the custom fields.
  module Projects
    Row = Struct.new(:id, :identifier, :name, :parent, :public, :status, :team)

    # team: who is Manager, Developer, Reporter; nil takes the parent's members
    WIDE = { :manager => %w[mona], :developer => %w[dora dave dirk klaus tomoko], :reporter => %w[rita rosa] }.freeze
    NARROW = { :manager => %w[marc], :developer => %w[dina], :reporter => %w[] }.freeze
    MIXED = { :manager => %w[marc], :developer => %w[dave dina], :reporter => %w[ralf rosa lenny otto] }.freeze
    LIST = [
      Row.new(1,  'atlas',              'Atlas',                nil, true,  1, WIDE),
      Row.new(2,  'atlas-api',          'Atlas API',            1,   true,  1, WIDE),
      Row.new(3,  'atlas-secrets',      'Atlas Secrets',        1,   false, 1, NARROW),
      Row.new(4,  'atlas-secrets-deep', 'Atlas Secrets Deep',   3,   false, 1, nil),
      Row.new(5,  'borealis',           'Borealis',             nil, true,  1, MIXED),
      Row.new(6,  'borealis-web',       'Borealis Web',         5,   true,  1, MIXED),
      Row.new(7,  'cygnus',             'Cygnus',               nil, true,  1, WIDE),
      Row.new(8,  'draco',              'Draco (closed)',       nil, true,  5, MIXED),
      Row.new(9,  'eridanus',           'Eridanus (archived)',  nil, true,  9, MIXED),
      Row.new(10, 'fornax',             'Fornax',               nil, false, 1, MIXED),
      Row.new(11, 'gemini',             'Gemini',               nil, true,  1, WIDE),
      Row.new(12, 'gemini-castor',      'Gemini Castor',        11,  true,  1, WIDE),
      Row.new(13, 'gemini-pollux',      'Gemini Pollux',        11,  false, 1, NARROW),
      Row.new(14, 'hydra',              'Hydra',                nil, true,  1, MIXED),
      Row.new(15, 'indus',              'Indus',                nil, false, 1, WIDE),
      Row.new(16, 'lyra',               'Lyra',                 nil, true,  1, MIXED),
      Row.new(17, 'musca',              'Müsca & Söhne',        nil, true,  1, WIDE),
      Row.new(18, 'norma',              'Norma',                nil, true,  1, NARROW),
      Row.new(19, 'orion',              'Orion',                nil, true,  1, WIDE),
      Row.new(20, 'pavo',               'Pavo 孔雀',            nil, true,  1, MIXED)
    ].freeze
    MODULES = %w[issue_tracking time_tracking news documents files wiki repository boards calendar gantt].freeze
    ROLES = { :manager => 3, :developer => 4, :reporter => 5 }.freeze
    VERSIONS = [%w[1.0 closed], %w[1.1 open], ['2.0 «Überall»', 'open']].freeze
    CATEGORIES = ['Back end', 'Front end', 'Paper & pens'].freeze

    class << self
      def load
        Sample.say "projects: #{LIST.size}"
        projects
        custom_fields
        members
        parts
      end

      def row(id)
        LIST[id - 1]
      end

      # The roles' holders, those taken from a parent included.
      def team(project)
        project.team || team(row(project.parent))
      end

      def version_id(project, nth)
        (project.id - 1) * VERSIONS.size + nth + 1
      end

      def category_id(project, nth)
        (project.id - 1) * CATEGORIES.size + nth + 1
      end

      private

      def projects
        Sample.insert(Project, LIST.map do |project|
          Sample.tick
          { :id => project.id, :identifier => project.identifier, :name => project.name, :parent_id => project.parent,
            :is_public => project.public, :status => project.status, :inherit_members => project.team.nil?,
            :description => "What *#{project.name}* is for.", :homepage => "https://#{project.identifier}.example.net/",
            :created_on => Time.now, :updated_on => Time.now, :lft => 0, :rgt => 0 }
        end)
        Project.rebuild_tree!
        Sample.insert(EnabledModule, LIST.flat_map do |project|
          MODULES.map { |name| { :project_id => project.id, :name => name } }
        end)
        LIST.each { |project| Project.find(project.id).trackers = Tracker.sorted.to_a }
      end

      def members
        LIST.select(&:team).each do |project|
          project.team.each do |role, logins|
            logins.each { |login| member(project, People.id(login), role) }
          end
        end
        member(row(10), Group.find_by!(:lastname => 'Support').id, :reporter)
        # Members of a parent reach a child that inherits them through the parent's own callback.
        LIST.reject(&:team).each do |project|
          Project.find(project.parent).memberships.each do |from|
            own = Member.find_or_initialize_by(:project_id => project.id, :user_id => from.user_id)
            from.member_roles.each { |role| own.member_roles << MemberRole.new(:role_id => role.role_id, :inherited_from => role.id) }
            own.save!
          end
        end
      end

      def member(project, principal_id, role)
        Sample.tick
        Member.create!(:project_id => project.id, :user_id => principal_id, :role_ids => [ROLES.fetch(role)])
      end

      def parts
        LIST.each do |project|
          VERSIONS.each_with_index do |(name, status), nth|
            Sample.tick
            Version.create!(:project_id => project.id, :name => name, :status => status, :description => "Release #{name}",
                            :sharing => project.id == 1 && nth == 2 ? 'descendants' : 'none',
                            :effective_date => Date.new(2024, 1 + 4 * nth, 1 + project.id))
          end
          CATEGORIES.each_with_index do |name, nth|
            lead = nth.zero? ? People.id(team(project)[:developer].first) : nil
            IssueCategory.create!(:project_id => project.id, :name => name, :assigned_to_id => lead)
          end
        end
      end

      # The second issue field is for managers only, so that two members of one project are shown different bodies.
      def custom_fields
        for_issues = { :is_for_all => true, :is_filter => true, :tracker_ids => Tracker.sorted.pluck(:id) }
        IssueCustomField.create!(for_issues.merge(:name => 'Severity', :field_format => 'list', :searchable => true,
                                                  :possible_values => %w[cosmetic minor major critical]))
        IssueCustomField.create!(for_issues.merge(:name => 'Customer', :field_format => 'string',
                                                  :visible => false, :role_ids => [ROLES[:manager]]))
        IssueCustomField.create!(for_issues.merge(:name => 'Found on', :field_format => 'date'))
        UserCustomField.create!(:name => 'Phone', :field_format => 'string')
        ProjectCustomField.create!(:name => 'Cost centre', :field_format => 'int')
        TimeEntryCustomField.create!(:name => 'Billable', :field_format => 'bool')
        Sample.insert(CustomValue, LIST.map do |project|
          { :customized_type => 'Project', :customized_id => project.id, :custom_field_id => 5, :value => (4000 + project.id).to_s }
        end)
      end
    end
  end
end
